"""What families on a ground share: fields 0 and 1 are the ground or its waves, 2 and 3 are things on it, 4 holds marks.

A ground is -1 in every field, or turns as a whole.
"""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.turning import SMOOTH, least_turn
from nca_assets.automaton.lattice import WEIGHT_ONE
from nca_assets.automaton.sketch import BLUR, CENTER, Kernel, Sketch
from nca_assets.automaton.start import GROUND, Start, draw_rectangles

FIELDS = (0, 1) * 4 + (2, 3) * 3 + (4, 4)
MARK = 4


def add_swing(sketch: Sketch, draws: Draws, a: int, kernel: Kernel, mark: int = MARK) -> None:
    """Fields ``a`` and ``a`` + 1 turn where ``mark`` is above 0, without ever resting, and are pulled to -1 elsewhere."""
    gain, growth = draws.between(96, 256), draws.between(77, 141)
    own = growth * draws.between(16, 48) // 64
    near = growth - own
    turn = least_turn(gain, [(own, 0), (near, 0)], 0)
    turn = draws.sign() * (turn + turn * draws.between(2, 32) // 64)
    for part in (0, 1):
        unit = sketch.unit((a + part, CENTER, gain))
        sketch.write(a + part, unit, own)
        sketch.write(a + 1 - part, unit, turn if part == 0 else -turn)
        sketch.write(a + part, sketch.unit((a + part, kernel, gain)), near)
    pull = (growth + abs(turn) + WEIGHT_ONE) // 2
    gate = sketch.unit((mark, CENTER, 256))
    for field in (a, a + 1):
        sketch.write(field, gate, pull)
        sketch.bias(field, -pull)


def add_step(sketch: Sketch, draws: Draws, shift: int) -> None:
    """Fields 0 and 1 turn as a whole, in some 10 to 30 frames, and keep their cells in step."""
    own, turn = draws.between(16, 40), draws.sign() * (draws.between(14, 40) << shift)
    for part in (0, 1):
        unit = sketch.unit((part, CENTER, 64))
        sketch.write(part, unit, own)
        sketch.write(1 - part, unit, turn if part == 0 else -turn)
        sketch.write(part, sketch.unit((part, BLUR, 64)), 68 - own)


def keep(sketch: Sketch, field: int) -> None:
    """``field`` remembers whether it is above or below 0."""
    sketch.write(field, sketch.unit((field, CENTER, 192)), 96)


def rest(sketch: Sketch, *fields: int) -> None:
    """``fields`` stay at -1."""
    for field in fields:
        sketch.bias(field, -102)


def marks(draws: Draws, height: int, width: int, largest: int, of_256: int, kind: str, smallest: int = 1) -> Start:
    """Marks over about ``of_256`` of 256 cells, two rectangles at least, of sides from ``smallest`` to ``largest``;
    elsewhere noise, patches, sparse cells or the ground."""
    count = max(2, height * width * of_256 // (64 * (smallest + largest) ** 2))
    density = {"noise": 256, "patches": 256, "sparse": draws.between(12, 102), "ground": 0}[kind]
    return Start(
        kind,
        patch=draws.between(2, 6) if kind == "patches" else 1,
        density=density,
        steady={MARK: GROUND},
        marks=draw_rectangles(draws, count, height, width, smallest, largest),
        marked=MARK,
    )


def smooth(draws: Draws) -> Kernel:
    """One of the kernels that weigh all neighbors alike."""
    return draws.one_of(SMOOTH)
