"""Breathers: pairs that turn where a mark is, on a ground that rests or turns as a whole."""

from __future__ import annotations

from collections.abc import Callable

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.grounds import FIELDS, add_step, add_swing, keep, marks, rest, smooth
from nca_assets.automaton.sketch import Sketch


def breathers(on_still_ground: bool) -> Callable[[Draws, int, int], Drawn]:
    """Two fields turn at the marks of field 4: 0 and 1, or 2 and 3 where 0 and 1 are the ground."""

    def draw(draws: Draws, height: int, width: int) -> Drawn:
        sketch = Sketch(FIELDS)
        shift = draws.between(1, 3)
        keep(sketch, 4)
        if on_still_ground:
            add_swing(sketch, draws, 0, smooth(draws))
            rest(sketch, 2, 3)
        else:
            add_swing(sketch, draws, 2, smooth(draws))
            add_step(sketch, draws, shift)
        largest = draws.one_of((1, 2, 4, 7))
        kind = draws.one_of(("noise", "sparse", "patches")) if on_still_ground else "ground"
        return Drawn(
            sketch, marks(draws, height, width, largest, draws.between(8, 60), kind), shift, draws.between(12, 14)
        )

    return draw
