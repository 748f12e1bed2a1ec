"""The recipe once more, from section 3 of docs/SPEC.md alone: a function for each family draws its numbers in order."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from nca_assets_tests.automaton.integer_philox import philox
from nca_assets_tests.automaton.integer_sketch import SIDES, Recipe, spread

SMOOTH = ("blur", "box", "ring", "cross")
ANGLES = ((64, 0), (62, 17), (55, 32), (45, 45), (32, 55), (17, 62))
ALL_SHIFTS = (1, 2, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5)
ON_A_GROUND = [0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 4, 4]


def least(g: int, own: int, m: int) -> int:
    return max(own + m - 4096 // g, m, 8)


def pair(
    r: Recipe,
    a: int,
    n: int,
    gain: int,
    others: list[int],
    pool: tuple[str, ...] = SMOOTH,
    directed: bool = False,
    own_range: tuple[int, int] = (32, 128),
    angles: tuple[int, int] = (0, 5),
    against: bool = False,
) -> None:
    s = r.sign()
    pull = r.draw(0, 12)
    kernels = ["center"] + [r.one_of(*pool) for _ in range(n - 1)]
    if directed:
        kernels[1] = r.one_of("rightward", "downward")
    whole = r.draw(77, 141)
    p = [r.draw(*own_range)] + [r.draw(8, 64) for _ in range(n - 1)]
    shares = [whole * part // sum(p) for part in p]
    re, im = [shares[0]], [0]
    for i in range(1, n):
        cos, sin = ANGLES[r.draw(*angles)]
        way = -s if against else r.sign()
        sigma = -1 if kernels[i] == "laplace" and r.chance(45) else 1
        re.append(sigma * shares[i] * cos // 64)
        im.append(way * shares[i] * sin // 64)
    spare = min((gain - 64) // 4, 16) if others else 0
    t = least(gain - spare, shares[0], sum(abs(re[i]) + abs(im[i]) for i in range(1, n)) + pull)
    im[0] = s * (t + t * r.draw(1, 32) // 64)
    for i in range(n):
        units = []
        for f in (a, a + 1):
            q = [r.draw(-8, 8) for _ in others]
            j = [r.one_of("blur", "box", "ring", "cross", "center") for _ in others]
            total = max(1, sum(abs(part) for part in q))
            weak = [(others[o], j[o], spare * q[o] // total) for o in range(len(others))]
            units.append(r.unit((f, kernels[i], gain), *weak))
        r.turn(a, units[0], units[1], re[i], im[i])
    r.bias(a, -pull)
    r.bias(a + 1, -pull)


def turning(
    r: Recipe, kernels: dict[int, int], coupled: bool = False, shifts: tuple[int, ...] = ALL_SHIFTS, **medium: Any
) -> None:
    pairs = r.one_of(*kernels)
    size = 16 // pairs
    r.fields = [2 * (c // size) + c % 2 for c in range(16)]
    gain = r.draw(96, 256)
    for p in range(pairs):
        others = [f for f in range(2 * pairs) if coupled and f not in (2 * p, 2 * p + 1)]
        pair(r, 2 * p, kernels[pairs], gain, others, **medium)
    r.anywhere()
    r.shift = r.one_of(*shifts)
    r.noise_shift = r.draw(12, 15)


def swing(r: Recipe, a: int) -> None:
    kernel = r.one_of(*SMOOTH)
    gain = r.draw(96, 256)
    growth = r.draw(77, 141)
    own = growth * r.draw(16, 48) // 64
    s = r.sign()
    t = least(gain, own, growth - own)
    im = s * (t + t * r.draw(2, 32) // 64)
    r.turn(a, r.unit((a, "center", gain)), r.unit((a + 1, "center", gain)), own, im)
    r.turn(a, r.unit((a, kernel, gain)), r.unit((a + 1, kernel, gain)), growth - own, 0)
    gate = r.unit((4, "center", 256))
    pull = (growth + abs(im) + 64) // 2
    for f in (a, a + 1):
        r.write(f, gate, pull)
        r.bias(f, -pull)


def step(r: Recipe, shift: int) -> None:
    own = r.draw(16, 40)
    s = r.sign()
    im = s * r.draw(14, 40) * 2**shift
    r.turn(0, r.unit((0, "center", 64)), r.unit((1, "center", 64)), own, im)
    r.turn(0, r.unit((0, "blur", 64)), r.unit((1, "blur", 64)), 68 - own, 0)


def keep(r: Recipe) -> None:
    r.write(4, r.unit((4, "center", 192)), 96)


def rest(r: Recipe, *fields: int) -> None:
    for f in fields:
        r.bias(f, -102)


def excitable(r: Recipe) -> None:
    r.fields = ON_A_GROUND
    around = r.one_of("ring", "box")
    steep, theta, recovery, pace = r.draw(192, 384), r.draw(38, 128), r.draw(0, 51), r.draw(6, 38)
    alone = steep * (theta + 48) // 128
    bias = alone - steep * (64 * (128 + theta) - 154 * recovery) // 4096
    r.write(0, r.unit((0, around, 4 * steep), (1, "center", -6 * steep), (4, "center", alone), bias=bias), 115)
    r.write(1, r.unit((1, "center", 64)), 64 - pace)
    r.write(1, r.unit((0, "center", 64)), min(102, pace * r.draw(64, 128) // 64))
    r.bias(1, -3 - (10 * pace) // 64)
    keep(r)
    rest(r, 2, 3)
    kind = r.one_of("noise", "patches", "sparse", "ground")
    b, q = r.draw(1, 2), r.draw(1, 5)
    r.marked(kind, 1, b, q)
    r.noise_shift = r.draw(12, 14)


def colonies(r: Recipe) -> None:
    r.fields = ON_A_GROUND
    swing(r, 0)
    kernel, gain = r.one_of("box", "blur"), r.draw(160, 320)
    r.write(4, r.unit((4, kernel, gain), bias=gain * r.draw(19, 32) // 64), 96)
    rest(r, 2, 3)
    r.marked("ground", 3, 5, r.draw(1, 8))
    r.shift, r.noise_shift = r.draw(1, 4), r.draw(12, 14)


def breathers(r: Recipe, still: bool) -> None:
    r.fields = ON_A_GROUND
    r.shift = r.draw(1, 3)
    keep(r)
    if still:
        swing(r, 0)
        rest(r, 2, 3)
    else:
        swing(r, 2)
        step(r, r.shift)
    kind = r.one_of("noise", "sparse", "patches") if still else "ground"
    b, q = r.one_of(1, 2, 4, 7), r.draw(8, 60)
    r.marked(kind, 1, b, q)
    r.noise_shift = r.draw(12, 14)


def gliders(r: Recipe, still: bool) -> None:
    r.fields = ON_A_GROUND
    keep(r)
    if not still:
        step(r, 0)
    for f, g in ((0, 1), (1, 0), (2, 3), (3, 2)) if still else ((2, 3), (3, 2)):
        own, alpha = r.one_of("center", "blur", "box"), r.draw(64, 192)
        seen = "center" if f % 2 else r.one_of("center", "blur", "cross")
        mu, gamma, beta = r.draw(128, 320), r.draw(-128, 128), r.draw(-64, 64)
        r.write(f, r.unit((f, own, alpha), (4, seen, mu), (g, "blur", gamma), bias=beta), r.draw(64, 96))
        r.bias(f, -r.draw(6, 40))
    r.carry(*r.one_of((0, 1), (1, 0), (1, 1), (0, -1), (-1, 0), (1, -1), (-1, 1), (-1, -1)))
    kind = r.one_of("noise", "patches", "sparse") if still else "ground"
    b, q = r.draw(1, 3), r.draw(8, 32)
    r.marked(kind, 1, b, q)
    r.noise_shift = r.draw(13, 15)


def lifelike(r: Recipe) -> None:
    r.fields = ON_A_GROUND
    step(r, 0)
    births = r.chance(24)
    if births:
        low, high = r.one_of((2, 2), (2, 2), (2, 3), (1, 1))
        fade = r.draw(0, 16)
        reads, zero = [(2, "ring", 1024), (2, "center", -1152), (3, "center", -1152)], -1280
    else:
        low, high = r.one_of((5, 7), (5, 7), (5, 7), (6, 8), (5, 8), (3, 5))
        fade = r.draw(0, 56)
        reads, zero = [(2, "ring", 2048), (2, "center", 128)], 2176
    r.write(2, r.unit(*reads, bias=zero - 128 * (2 * low - 1)), 70)
    r.write(2, r.unit(*reads, bias=zero - 128 * (2 * high + 1)), -70)
    r.bias(2, -70)
    r.write(3, r.unit((3, "center", 64)), fade)
    r.write(3, r.unit((2, "center", 256)), 70 - fade)
    rest(r, 4)
    r.free("sparse" if births else r.one_of("noise", "sparse", "patches"))
    r.quiet = (0, 1, 4)
    r.noise_shift = r.draw(12, 14)


def smooth(r: Recipe) -> None:
    r.fields = [0, 1] * 4 + [2, 3] * 4
    gain = r.draw(96, 256)
    pair(r, 2, 2, gain, [], pool=("blur", "box", "ring"), own_range=(8, 64))
    gain = r.draw(96, 224)
    kernels = ("blur", "center", "blur", "box", "ring", "cross", "rightward", "downward", "laplace")
    for _ in range(9):
        reads = [(f, r.one_of(*kernels), gain * r.draw(-64, 64) // 64) for f in range(4)]
        u = r.unit(*reads, bias=r.draw(-40, 40))
        r.write(0, u, r.draw(-44, 44))
        r.write(1, u, r.draw(-44, 44))
    r.anywhere()
    r.shift, r.noise_shift = r.draw(1, 4), r.draw(12, 14)


def plain(r: Recipe) -> None:
    r.fields = list(range(16))
    g1, g2, is_smooth = r.draw(24, 44), r.draw(16, 44), r.chance(8)
    r.shift = r.draw(1, 3) if is_smooth else r.draw(2, 4)
    r.leak = r.one_of(0, 16)
    r.anywhere()
    r.noise_shift = r.draw(11, 13)

    def halves(part: int, count: int) -> list[int]:
        key = r.seed, r.index
        return [h for i in range(count // 8) for w in philox((2, part, i, 0), key) for h in (w % 65536, w // 65536)]

    def uniform(part: int, count: int, g: int) -> list[int]:
        return [h * (2 * g + 1) // 65536 - g for h in halves(part, count)]

    def kernels(part: int, g: int) -> np.ndarray:
        if not is_smooth:
            return np.array(uniform(part, 2304, g)).reshape(16, 16, 3, 3)
        names = [("center", "cross", "ring", "box", "blur")[5 * h // 65536] for h in halves(part + 1, 256)]
        taps = [spread(name, gain) for name, gain in zip(names, uniform(part, 256, 16 * g), strict=True)]
        return np.array(taps).reshape(16, 16, 3, 3)

    r.w1, r.w2 = kernels(0, g1), kernels(2, g2)
    if not is_smooth:
        r.b1, r.b2 = np.array(uniform(1, 16, g1)), np.array(uniform(3, 16, g2))


FAMILIES: tuple[tuple[str, int, Callable[[Recipe], None]], ...] = (
    ("spirals", 56, partial(turning, kernels={1: 3, 2: 2}, own_range=(48, 128), angles=(0, 2))),
    (
        "waves",
        96,
        partial(turning, kernels={1: 4, 2: 3}, pool=(*SMOOTH, "laplace"), own_range=(48, 128), angles=(1, 5)),
    ),
    ("flow", 112, partial(turning, kernels={1: 3, 2: 3}, directed=True, coupled=True)),
    ("domains", 64, partial(turning, kernels={2: 3}, pool=(*SMOOTH, "laplace"), coupled=True)),
    (
        "turbulence",
        52,
        partial(
            turning,
            kernels={1: 3, 2: 2},
            own_range=(16, 48),
            angles=(3, 4),
            against=True,
            coupled=True,
            shifts=(2, 2, 3, 3),
        ),
    ),
    ("excitable", 20, excitable),
    ("colonies", 12, colonies),
    ("breathers", 12, partial(breathers, still=True)),
    ("pulsing_breathers", 14, partial(breathers, still=False)),
    ("gliders", 10, partial(gliders, still=True)),
    ("pulsing_gliders", 14, partial(gliders, still=False)),
    ("lifelike", 10, lifelike),
    ("smooth", 24, smooth),
    ("plain", 16, plain),
)
SHARES = {name: share for name, share, _ in FAMILIES}


def recipe(seed: int, index: int, shares: Mapping[str, int] = SHARES, sides: tuple[int, int] = SIDES) -> Recipe:
    """The rule of a rollout of a set with these shares of families, and sides from the smallest to the largest."""
    r = Recipe(seed, index, sides)
    number = r.draw(0, sum(shares.values()) - 1)
    for r.family, _, draw in FAMILIES:
        share = shares.get(r.family, 0)
        if number < share:
            draw(r)
            return r
        number -= share
    raise AssertionError("the shares of the families leave a gap")
