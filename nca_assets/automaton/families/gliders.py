"""Gliders: marks that travel over a ground at one cell per step, with the fields that respond to them."""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import DrawFunction, Drawn
from nca_assets.automaton.families.grounds import FIELDS, MARK, add_step, keep
from nca_assets.automaton.families.starts import marked
from nca_assets.automaton.sketch import BLUR, BOX, CENTER, CROSS, Sketch

DIRECTIONS = ((0, 1), (1, 0), (1, 1), (0, -1), (-1, 0), (1, -1), (-1, 1), (-1, -1))


def gliders(still_ground: bool) -> DrawFunction:
    """A family in which everything is carried along, and the fields other than the ground respond to the marks."""

    def draw(draws: Draws, height: int, width: int) -> Drawn:
        sketch = Sketch(FIELDS)
        keep(sketch, MARK)
        if not still_ground:
            add_step(sketch, draws, 0)
        for field in (0, 1, 2, 3) if still_ground else (2, 3):
            unit = sketch.unit(
                (field, draws.one_of((CENTER, BLUR, BOX)), draws.between(64, 192)),
                (MARK, CENTER if field % 2 else draws.one_of((CENTER, BLUR, CROSS)), draws.between(128, 320)),
                (field ^ 1, BLUR, draws.between(-128, 128)),
                bias=draws.between(-64, 64),
            )
            sketch.write(field, unit, draws.between(64, 96))
            sketch.bias(field, -draws.between(6, 40))
        sketch.carry(*draws.one_of(DIRECTIONS))
        kind = draws.one_of(("noise", "patches", "sparse")) if still_ground else "ground"
        sides = 1, draws.between(1, 3)
        start = marked(kind, draws, height, width, MARK, sides, draws.between(8, 32))
        return Drawn(sketch, start, 0, draws.between(13, 15))

    return draw
