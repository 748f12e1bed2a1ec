"""What rules are made of, from section 3 of docs/SPEC.md alone: shape, scalars, sketch and start, in plain integers."""

from dataclasses import dataclass, field
from math import isqrt
from typing import Any

import numpy as np

from nca_assets_tests.automaton.integer_philox import philox, philox_cells

SIDES = (8, 48)

Rectangle = tuple[int, int, int, int]
Read = tuple[int, str, int]

KERNELS = {
    "center": (0, 0, 0, 0, 1, 0, 0, 0, 0),
    "cross": (0, 1, 0, 1, 0, 1, 0, 1, 0),
    "ring": (1, 1, 1, 1, 0, 1, 1, 1, 1),
    "box": (1, 1, 1, 1, 1, 1, 1, 1, 1),
    "blur": (1, 2, 1, 2, 4, 2, 1, 2, 1),
    "rightward": (-1, 0, 1, -2, 0, 2, -1, 0, 1),
    "downward": (-1, -2, -1, 0, 0, 0, 1, 2, 1),
    "laplace": (1, 2, 1, 2, -12, 2, 1, 2, 1),
}


@dataclass
class Recipe:
    """A rule under construction, and the numbers drawn for it."""

    seed: int
    index: int
    sides: tuple[int, int] = SIDES
    family: str = ""
    shift: int = 0
    leak: int = 64
    noise_shift: int = 0
    fields: list[int] = field(default_factory=list)
    units: int = 0
    words: int = 0
    patch: int = 1
    density: int = 256
    seeds: list[Rectangle] = field(default_factory=list)
    quiet: tuple[int, ...] = ()
    marks: list[Rectangle] | None = None

    def __post_init__(self) -> None:
        self.height, self.width = shape(self.seed, self.index, self.sides)
        self.w1 = np.zeros((16, 16, 3, 3), dtype=np.int64)
        self.b1 = np.zeros(16, dtype=np.int64)
        self.w2 = np.zeros((16, 16, 3, 3), dtype=np.int64)
        self.b2 = np.zeros(16, dtype=np.int64)

    # Scalars

    def draw(self, low: int, high: int) -> int:
        word = philox((1, 0, self.words // 4, 0), (self.seed, self.index))[self.words % 4]
        self.words += 1
        return low + word * (high - low + 1) // 2**32

    def one_of(self, *choices: Any) -> Any:
        return choices[self.draw(0, len(choices) - 1)]

    def sign(self) -> int:
        return self.one_of(1, -1)

    def chance(self, q: int) -> bool:
        return self.draw(0, 63) < q

    # Sketches

    def channels(self, f: int) -> list[int]:
        return [c for c in range(16) if self.fields[c] == f]

    def unit(self, *reads: Read, bias: int = 0) -> int:
        u = self.units
        self.units += 1
        for f, kernel, gain in reads:
            channels = self.channels(f)
            for tap, weight in enumerate(spread(kernel, gain)):
                for n, c in enumerate(channels):
                    part = weight * (n + 1) // len(channels) - weight * n // len(channels)
                    self.w1[u, c, tap // 3, tap % 3] += part
        self.b1[u] = bias
        return u

    def write(self, f: int, u: int, w: int) -> None:
        for c in self.channels(f):
            self.w2[c, u, 1, 1] += w

    def bias(self, f: int, w: int) -> None:
        for c in self.channels(f):
            self.b2[c] += w

    def turn(self, a: int, u: int, v: int, re: int, im: int) -> None:
        self.write(a, u, re)
        self.write(a, v, -im)
        self.write(a + 1, v, re)
        self.write(a + 1, u, im)

    def carry(self, dy: int, dx: int) -> None:
        moved = np.zeros_like(self.w2)
        moved[:, :, 1 - dy, 1 - dx] = self.w2[:, :, 1, 1]
        self.w2 = moved

    # Starts

    def rectangles(self, n: int, a: int, b: int) -> list[Rectangle]:
        return [
            (self.draw(0, self.height - 1), self.draw(0, self.width - 1), self.draw(a, b), self.draw(a, b))
            for _ in range(n)
        ]

    def free(self, kind: str) -> None:
        if kind == "patches":
            self.patch = self.draw(2, 6)
        if kind == "sparse":
            self.density = self.draw(12, 102)
        if kind == "seeds":
            n = self.draw(1, 2 + self.height * self.width // 120)
            self.density, self.seeds = 0, self.rectangles(n, 1, 4)

    def anywhere(self) -> None:
        self.free(self.one_of(*["noise"] * 10, *["patches"] * 3, *["sparse"] * 2, "seeds"))

    def marked(self, kind: str, a: int, b: int, q: int) -> None:
        if kind == "ground":
            self.density = 0
        else:
            self.free(kind)
        n = max(2, self.height * self.width * q // (64 * (a + b) ** 2))
        self.marks = self.rectangles(n, a, b)


def spread(kernel: str, gain: int) -> list[int]:
    taps = KERNELS[kernel]
    s = sum(abs(tap) for tap in taps)
    return [(2 * gain * tap + s) // (2 * s) for tap in taps]


def shape(seed: int, index: int, sides: tuple[int, int] = SIDES) -> tuple[int, int]:
    smallest, largest = sides
    block = index // 32
    start = philox((0, 0, 0, 0), (seed, 0))
    u, v = (start[0] + 49471 * block) % 65536, (start[1] + 37345 * block) % 65536
    flip = philox((0, 1, 0, 0), (seed, block))[0] % 2
    side = smallest + isqrt(u**3) * (largest - smallest + 1) // 2**24
    widest = min(32, 32 * largest // side - 32, 32 * side // smallest - 32)
    stretch = 32 + (v * (widest + 1)) // 65536
    long, short = (side * stretch + 16) // 32, (32 * side + stretch // 2) // stretch
    return (long, short) if flip else (short, long)


def start(r: Recipe) -> list[list[int]]:
    """Frame 0: of each cell, row by row, the 16 channels."""
    cells = r.height * r.width
    blocks = [philox_cells(3, 0, cells, block, (r.seed, r.index)).tolist() for block in range(3)]

    def inside(rectangles: list[Rectangle]) -> set[tuple[int, int]]:
        return {
            ((top + row) % r.height, (left + column) % r.width)
            for top, left, rows, columns in rectangles
            for row in range(rows)
            for column in range(columns)
        }

    seeds, marks = inside(r.seeds), inside(r.marks or [])

    def cell(y: int, x: int) -> list[int]:
        corner = (y - y % r.patch) * r.width + x - x % r.patch
        halves = [half for block in blocks[:2] for word in block[corner] for half in (word % 65536, word // 65536)]
        active = blocks[2][corner][0] // 256 % 256 < r.density or (y, x) in seeds
        values = [2049 * half // 65536 - 1024 if active else -1024 for half in halves]
        for f in r.quiet:
            values[f] = -1024
        if r.marks is not None:
            values[4] = 1024 if (y, x) in marks else -1024
        return [values[f] for f in r.fields]

    return [cell(y, x) for y in range(r.height) for x in range(r.width)]
