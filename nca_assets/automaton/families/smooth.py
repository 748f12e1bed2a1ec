"""Random smooth fields: nothing designed but that each unit sees two fields through kernels, and that one pair turns."""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.starts import anywhere
from nca_assets.automaton.families.turning import Medium, add_pair
from nca_assets.automaton.sketch import BLUR, BOX, CENTER, CROSS, DOWNWARD, LAPLACE, RIGHTWARD, RING, Sketch

FIELDS = (0, 1) * 4 + (2, 3) * 4
KERNELS = (BLUR, BLUR, CENTER, BOX, RING, CROSS, RIGHTWARD, DOWNWARD, LAPLACE)
CLOCK = Medium({1: 2}, (BLUR, BOX, RING))


def draw_smooth(draws: Draws, height: int, width: int) -> Drawn:
    """Fields 0 and 1 are written at random by units that read all fields; fields 2 and 3 turn."""
    sketch = Sketch(FIELDS)
    add_pair(sketch, draws, CLOCK, 2, 2, draws.between(96, 256), [], 0)
    gain = draws.between(96, 224)
    for _ in range(9):
        reads = [(field, draws.one_of(KERNELS), gain * draws.between(-64, 64) // 64) for field in range(4)]
        unit = sketch.unit(*reads, bias=draws.between(-40, 40))
        for field in (0, 1):
            sketch.write(field, unit, draws.between(-44, 44))
    return Drawn(sketch, anywhere(draws, height, width), draws.between(1, 4), draws.between(12, 14))
