"""Colonies: a phase that grows from seeds over a ground, with waves inside."""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.grounds import FIELDS, MARK, add_swing, rest
from nca_assets.automaton.families.starts import marked
from nca_assets.automaton.sketch import BLUR, BOX, Sketch


def draw_colonies(draws: Draws, height: int, width: int) -> Drawn:
    """The mark spreads, and fields 0 and 1 turn inside it."""
    sketch = Sketch(FIELDS)
    add_swing(sketch, draws, 0)
    kernel, gain = draws.one_of((BOX, BLUR)), draws.between(160, 320)
    sketch.write(MARK, sketch.unit((MARK, kernel, gain), bias=gain * draws.between(19, 32) // 64), 96)
    rest(sketch, 2, 3)
    start = marked("ground", draws, height, width, MARK, (3, 5), draws.between(1, 8))
    return Drawn(sketch, start, draws.between(1, 4), draws.between(12, 14))
