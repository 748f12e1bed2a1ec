"""Colonies: a phase that grows from seeds over a ground, with waves inside."""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.grounds import FIELDS, add_swing, marks, rest, smooth
from nca_assets.automaton.sketch import BLUR, BOX, Sketch


def draw_colonies(draws: Draws, height: int, width: int) -> Drawn:
    """Field 4 spreads; fields 0 and 1 turn where it is."""
    sketch = Sketch(FIELDS)
    add_swing(sketch, draws, 0, smooth(draws))
    gain = draws.between(160, 320)
    unit = sketch.unit((4, draws.one_of((BOX, BLUR)), gain), bias=gain * draws.between(19, 32) // 64)
    sketch.write(4, unit, 96)
    rest(sketch, 2, 3)
    start = marks(draws, height, width, 5, draws.between(1, 8), "ground", smallest=3)
    return Drawn(sketch, start, draws.between(1, 4), draws.between(12, 14))
