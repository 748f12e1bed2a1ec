"""Media that turn: pairs of fields, as complex numbers z = a + ib, and units that add c · clamp(g · kernel(z)).

The imaginary part of the center kernel's c, the *turn*, exceeds a bound made of everything else, so that no cell that
saturates both of its units can rest, whatever its neighbors do (``docs/SPEC.md``). The phases of the other kernels
determine the pull between neighbors: into waves, spirals, stripes, domains, phase turbulence or synchrony.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import DrawFunction, Drawn
from nca_assets.automaton.families.starts import anywhere
from nca_assets.automaton.fixed_point import CHANNELS, WEIGHT_ONE
from nca_assets.automaton.sketch import CENTER, DOWNWARD, LAPLACE, RIGHTWARD, SMOOTH, Kernel, Read, Sketch

ANGLES = ((64, 0), (62, 17), (55, 32), (45, 45), (32, 55), (17, 62))
"""64 cosines and sines of 0, 15, …, 75 degrees."""

DIRECTED = (RIGHTWARD, DOWNWARD)

MIN_TURN = 8

Factor = tuple[int, int]
"""Real and imaginary part of c, in units of 1/64."""


@dataclass(frozen=True)
class Medium:
    """How the pairs of a medium read their neighbors.

    ``kernels[n]`` is the number of kernels of each of n pairs, the center included; the others are drawn from ``pool``,
    the first of them a gradient if ``directed``. ``own`` is the range of the center's weight, where each of the others
    has 8 to 64; ``angles`` are the first and last of ``ANGLES`` for c, which turns against the pair's turn if
    ``against_the_turn``, else either way. ``coupled`` pairs also read each other.
    """

    kernels: dict[int, int]
    pool: tuple[Kernel, ...] = SMOOTH
    directed: bool = False
    own: tuple[int, int] = (32, 128)
    angles: tuple[int, int] = (0, 5)
    against_the_turn: bool = False
    coupled: bool = False
    shifts: tuple[int, ...] = (1, 2, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5)


SPIRALS = Medium({1: 3, 2: 2}, own=(48, 128), angles=(0, 2))
WAVES = Medium({1: 4, 2: 3}, (*SMOOTH, LAPLACE), own=(48, 128), angles=(1, 5))
FLOW = Medium({1: 3, 2: 3}, directed=True, coupled=True)
DOMAINS = Medium({2: 3}, (*SMOOTH, LAPLACE), coupled=True)
TURBULENCE = Medium({1: 3, 2: 2}, own=(16, 48), angles=(3, 4), against_the_turn=True, coupled=True, shifts=(2, 2, 3, 3))


def turning(medium: Medium) -> DrawFunction:
    """Draws rules of ``medium``."""

    def draw(draws: Draws, height: int, width: int) -> Drawn:
        pairs = draws.one_of(tuple(medium.kernels))
        size = CHANNELS // pairs
        sketch = Sketch(tuple(2 * (c // size) + c % 2 for c in range(CHANNELS)))
        gain = draws.between(96, 256)
        for pair in range(pairs):
            others = [field for field in range(2 * pairs) if field // 2 != pair] if medium.coupled else []
            add_pair(sketch, draws, medium, 2 * pair, medium.kernels[pairs], gain, others)
        return Drawn(sketch, anywhere(draws, height, width), draws.one_of(medium.shifts), draws.between(12, 15))

    return draw


def add_pair(
    sketch: Sketch, draws: Draws, medium: Medium, a: int, kernels: int, gain: int, others: Sequence[int] = ()
) -> None:
    """Fields ``a`` and ``a`` + 1 of ``sketch`` turn; their units also read ``others``, weakly."""
    turn, pull = draws.sign(), draws.between(0, 12)
    chosen = [CENTER, *(draws.one_of(medium.pool) for _ in range(kernels - 1))]
    if medium.directed:
        chosen[1] = draws.one_of(DIRECTED)
    own, *shares = _shares(draws, draws.between(77, 141), medium.own, kernels)
    around = [_factor(draws, medium, kernel, share, turn) for kernel, share in zip(chosen[1:], shares, strict=True)]
    spare = min((gain - WEIGHT_ONE) // 4, 16) if others else 0
    least = least_turn(gain - spare, own, around, pull)
    factors = [(own, turn * (least + least * draws.between(1, 32) // 64)), *around]
    for kernel, (real, imaginary) in zip(chosen, factors, strict=True):
        units = [sketch.unit((field, kernel, gain), *_weak(draws, others, spare)) for field in (a, a + 1)]
        sketch.turn(a, units, real, imaginary)
    sketch.bias(a, -pull)
    sketch.bias(a + 1, -pull)


def least_turn(gain: int, own: int, around: Sequence[Factor], pull: int) -> int:
    """The least turn, in units of 1/64, at which no cell that saturates both units of its center can rest: own + m -
    64²/gain or more, where neighbors and ``pull`` move a field by m at most (proof: ``docs/SPEC.md``)."""
    most = sum(abs(real) + abs(imaginary) for real, imaginary in around) + pull
    return max(own + most - WEIGHT_ONE**2 // gain, most, MIN_TURN)


def _shares(draws: Draws, whole: int, own: tuple[int, int], kernels: int) -> list[int]:
    """``whole`` divided among the kernels, the center first."""
    parts = [draws.between(*own), *(draws.between(8, 64) for _ in range(kernels - 1))]
    return [whole * part // sum(parts) for part in parts]


def _factor(draws: Draws, medium: Medium, kernel: Kernel, share: int, turn: int) -> Factor:
    cosine, sine = ANGLES[draws.between(*medium.angles)]
    way = -turn if medium.against_the_turn else draws.sign()
    sign = -1 if kernel is LAPLACE and draws.chance(45) else 1
    return sign * share * cosine // 64, way * share * sine // 64


def _weak(draws: Draws, fields: Sequence[int], whole: int) -> list[Read]:
    """Reads of ``fields`` within the margin of a unit's saturation: by ``whole`` in total."""
    parts = [draws.between(-8, 8) for _ in fields]
    total = max(1, sum(map(abs, parts)))
    return [
        (field, draws.one_of((*SMOOTH, CENTER)), whole * part // total)
        for field, part in zip(fields, parts, strict=True)
    ]
