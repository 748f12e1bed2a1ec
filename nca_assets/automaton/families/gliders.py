"""Gliders: marks that travel over a ground at one cell a step, with what they drag along."""

from __future__ import annotations

from collections.abc import Callable

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.grounds import FIELDS, add_step, keep, marks
from nca_assets.automaton.sketch import BLUR, BOX, CENTER, CROSS, Sketch

DIRECTIONS = ((0, 1), (1, 0), (1, 1), (0, -1), (-1, 0), (1, -1), (-1, 1), (-1, -1))


def gliders(on_still_ground: bool) -> Callable[[Draws, int, int], Drawn]:
    """Field 4 holds the marks, other fields answer to them; everything is carried along."""

    def draw(draws: Draws, height: int, width: int) -> Drawn:
        sketch = Sketch(FIELDS)
        keep(sketch, 4)
        answering = (0, 1, 2, 3) if on_still_ground else (2, 3)
        for field in answering:
            unit = sketch.unit(
                (field, draws.one_of((CENTER, BLUR, BOX)), draws.between(64, 192)),
                (4, CENTER if field % 2 else draws.one_of((CENTER, BLUR, CROSS)), draws.between(128, 320)),
                (field ^ 1, BLUR, draws.between(-128, 128)),
                bias=draws.between(-64, 64),
            )
            sketch.write(field, unit, draws.between(64, 96))
            sketch.bias(field, -draws.between(6, 40))
        if not on_still_ground:
            add_step(sketch, draws, 0)
        sketch.carry(*draws.one_of(DIRECTIONS))
        kind = draws.one_of(("noise", "patches", "sparse")) if on_still_ground else "ground"
        start = marks(draws, height, width, draws.one_of((1, 2, 3)), draws.between(8, 32), kind)
        return Drawn(sketch, start, 0, draws.between(13, 15))

    return draw
