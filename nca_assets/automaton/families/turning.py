"""Media that turn: fields in pairs (a, b), read as a complex number z, each unit of which adds c · clamp(g · kernel(z)).

The imaginary part of the center kernel's c, the *turn*, is above a bound made of everything else, so that no cell can
rest whatever its neighbors do (``docs/SPEC.md``). The phases of the other kernels decide how neighbors pull each other:
into waves, spirals, stripes, domains, phase turbulence or step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.starts import anywhere
from nca_assets.automaton.lattice import CHANNELS, WEIGHT_ONE
from nca_assets.automaton.sketch import (
    BLUR,
    BOX,
    CENTER,
    CROSS,
    DOWNWARD,
    LAPLACE,
    RIGHTWARD,
    RING,
    Kernel,
    Sketch,
)

ANGLES = ((64, 0), (62, 17), (55, 32), (45, 45), (32, 55), (17, 62))
"""64 cosines and sines of 0, 15, …, 75 degrees."""

SMOOTH = (BLUR, BOX, RING, CROSS)
DIRECTED = (RIGHTWARD, DOWNWARD)


@dataclass(frozen=True)
class Medium:
    """How a medium's pairs read their neighbors.

    ``kernels[pairs]`` is how many kernels, the center included, each of so many pairs has, drawn from ``pool``; with
    ``directed`` the first of them is a gradient. ``coupling`` (of 64) is how much of what keeps a unit saturated the
    other pairs may take. ``rough`` units read and write anything. ``shifts`` are the residual shifts.
    """

    kernels: dict[int, int]
    pool: tuple[Kernel, ...]
    angles: tuple[int, int] = (0, 5)
    directed: bool = False
    twist: int = 0
    own: tuple[int, int] = (8, 64)
    coupling: int = 0
    shifts: tuple[int, ...] = (1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5)
    pull: tuple[int, int] = (0, 12)


SPIRALS = Medium({1: 3, 2: 2}, SMOOTH, angles=(0, 2), own=(48, 128))
WAVES = Medium({1: 4, 2: 3}, (*SMOOTH, LAPLACE), angles=(1, 5), own=(48, 128))
FLOW = Medium({1: 3, 2: 3}, SMOOTH, directed=True, coupling=16, own=(32, 128))
DOMAINS = Medium({2: 3}, (*SMOOTH, LAPLACE), coupling=16, own=(32, 128))
TURBULENCE = Medium({1: 3, 2: 2}, SMOOTH, angles=(3, 4), coupling=16, twist=-1, own=(16, 48), shifts=(1, 2, 2, 3))


def turning(medium: Medium) -> Callable[[Draws, int, int], Drawn]:
    """A family's function that draws rules of ``medium``."""

    def draw(draws: Draws, height: int, width: int) -> Drawn:
        pairs = draws.one_of(tuple(medium.kernels))
        size = CHANNELS // pairs
        sketch = Sketch(tuple(2 * (c // size) + c % 2 for c in range(CHANNELS)))
        gain = draws.between(96, 256)
        spare = min((gain - WEIGHT_ONE) * medium.coupling // 64, 16) if pairs > 1 else 0
        for pair in range(pairs):
            others = [f for f in range(2 * pairs) if f // 2 != pair]
            add_pair(sketch, draws, medium, 2 * pair, medium.kernels[pairs], gain, others, spare)
        return Drawn(sketch, anywhere(draws, height, width), draws.one_of(medium.shifts), draws.between(12, 15))

    return draw


def add_pair(
    sketch: Sketch,
    draws: Draws,
    medium: Medium,
    a: int,
    kernels: int,
    gain: int,
    others: list[int],
    spare: int,
) -> None:
    """Fields ``a`` and ``a`` + 1 of ``sketch`` turn; their units also read ``others``, by ``spare`` in all."""
    growth = draws.between(77, 141)
    chosen = [CENTER, *(draws.one_of(medium.pool) for _ in range(kernels - 1))]
    if medium.directed:
        chosen[1] = draws.one_of(DIRECTED)
    parts = [draws.between(*medium.own), *(draws.between(8, 64) for _ in chosen[1:])]
    shares = [growth * part // sum(parts) for part in parts]
    pull = draws.between(*medium.pull)
    factors = [(shares[0], 0)]
    turn = draws.sign()
    for kernel, share in zip(chosen[1:], shares[1:], strict=True):
        cosine, sine = ANGLES[draws.between(*medium.angles)]
        sign = -1 if kernel is LAPLACE and draws.chance(45) else 1
        factors.append((sign * share * cosine // 64, (medium.twist * turn or draws.sign()) * share * sine // 64))
    least = least_turn(gain - spare, factors, pull)
    factors[0] = shares[0], turn * (least + least * draws.between(1, 32) // 64)
    for kernel, (real, imaginary) in zip(chosen, factors, strict=True):
        for part in (0, 1):
            reads = [(other, draws.one_of((*SMOOTH, CENTER)), 0) for other in others]
            if others:
                parts = [draws.between(-8, 8) for _ in others]
                total = max(1, sum(map(abs, parts)))
                reads = [(f, k, spare * p // total) for (f, k, _), p in zip(reads, parts, strict=True)]
            unit = sketch.unit((a + part, kernel, gain), *reads)
            sketch.write(a + part, unit, real)
            sketch.write(a + 1 - part, unit, imaginary if part == 0 else -imaginary)
    sketch.bias(a, -pull)
    sketch.bias(a + 1, -pull)


def least_turn(gain: int, factors: list[tuple[int, int]], pull: int) -> int:
    """The turn, in units of 1/64, from which on no cell with a saturated unit can rest."""
    neighbors = sum(abs(real) + abs(imaginary) for real, imaginary in factors[1:]) + pull
    return max(factors[0][0] + neighbors - WEIGHT_ONE * WEIGHT_ONE // gain, neighbors, 8)
