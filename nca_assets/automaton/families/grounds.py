"""Shared by families on a ground: fields 0 and 1 are the ground or its waves, 2 and 3 objects on it, 4 holds marks.

A ground is -1 in every field, or turns as a whole.
"""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.turning import least_turn
from nca_assets.automaton.fixed_point import WEIGHT_ONE
from nca_assets.automaton.sketch import BLUR, CENTER, SMOOTH, Sketch

FIELDS = (0, 1) * 4 + (2, 3) * 3 + (4, 4)
MARK = 4


def add_swing(sketch: Sketch, draws: Draws, a: int) -> None:
    """Fields ``a`` and ``a`` + 1 turn where the mark is above 0, and are pulled to -1 elsewhere."""
    kernel, gain, growth = draws.one_of(SMOOTH), draws.between(96, 256), draws.between(77, 141)
    own = growth * draws.between(16, 48) // 64
    least = least_turn(gain, own, [(growth - own, 0)], 0)
    turn = draws.sign() * (least + least * draws.between(2, 32) // 64)
    for seen, real, imaginary in ((CENTER, own, turn), (kernel, growth - own, 0)):
        units = [sketch.unit((field, seen, gain)) for field in (a, a + 1)]
        sketch.turn(a, units, real, imaginary)
    gate, pull = sketch.unit((MARK, CENTER, 256)), (growth + abs(turn) + WEIGHT_ONE) // 2
    for field in (a, a + 1):
        sketch.write(field, gate, pull)
        sketch.bias(field, -pull)


def add_step(sketch: Sketch, draws: Draws, residual_shift: int) -> None:
    """Fields 0 and 1 turn as a whole, in some 12 to 35 frames, and their cells keep in step."""
    own, turn = draws.between(16, 40), draws.sign() * (draws.between(14, 40) << residual_shift)
    for kernel, real, imaginary in ((CENTER, own, turn), (BLUR, 68 - own, 0)):
        units = [sketch.unit((field, kernel, 64)) for field in (0, 1)]
        sketch.turn(0, units, real, imaginary)


def keep(sketch: Sketch, field: int) -> None:
    """Make ``field`` keep its sign."""
    sketch.write(field, sketch.unit((field, CENTER, 192)), 96)


def rest(sketch: Sketch, *fields: int) -> None:
    """Make ``fields`` stay at -1."""
    for field in fields:
        sketch.bias(field, -102)
