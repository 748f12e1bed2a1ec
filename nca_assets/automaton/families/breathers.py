"""Breathers: places that each turn by themselves, on a ground that rests or turns as a whole."""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import DrawFunction, Drawn
from nca_assets.automaton.families.grounds import FIELDS, MARK, add_step, add_swing, keep, rest
from nca_assets.automaton.families.starts import marked
from nca_assets.automaton.sketch import Sketch


def breathers(still_ground: bool) -> DrawFunction:
    """A family in which two fields turn at the marks: 0 and 1, or 2 and 3 where 0 and 1 are the ground."""

    def draw(draws: Draws, height: int, width: int) -> Drawn:
        sketch, shift = Sketch(FIELDS), draws.between(1, 3)
        keep(sketch, MARK)
        if still_ground:
            add_swing(sketch, draws, 0)
            rest(sketch, 2, 3)
        else:
            add_swing(sketch, draws, 2)
            add_step(sketch, draws, shift)
        kind = draws.one_of(("noise", "sparse", "patches")) if still_ground else "ground"
        sides = 1, draws.one_of((1, 2, 4, 7))
        start = marked(kind, draws, height, width, MARK, sides, draws.between(8, 60))
        return Drawn(sketch, start, shift, draws.between(12, 14))

    return draw
