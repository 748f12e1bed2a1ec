"""Random smooth fields: units that see four fields through random kernels, beside one pair of fields that turns."""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.starts import anywhere
from nca_assets.automaton.families.turning import DIRECTED, Medium, add_pair
from nca_assets.automaton.sketch import BLUR, BOX, CENTER, LAPLACE, RING, SMOOTH, Sketch

FIELDS = (0, 1) * 4 + (2, 3) * 4
KERNELS = (BLUR, CENTER, *SMOOTH, *DIRECTED, LAPLACE)
PAIR = Medium({1: 2}, (BLUR, BOX, RING), own=(8, 64))

UNITS = 9


def draw_smooth(draws: Draws, height: int, width: int) -> Drawn:
    """Fields 2 and 3 turn; fields 0 and 1 are driven by the random units."""
    sketch = Sketch(FIELDS)
    add_pair(sketch, draws, PAIR, 2, 2, draws.between(96, 256))
    gain = draws.between(96, 224)
    for _ in range(UNITS):
        reads = [(field, draws.one_of(KERNELS), gain * draws.between(-64, 64) // 64) for field in range(4)]
        unit = sketch.unit(*reads, bias=draws.between(-40, 40))
        for field in (0, 1):
            sketch.write(field, unit, draws.between(-44, 44))
    return Drawn(sketch, anywhere(draws, height, width), draws.between(1, 4), draws.between(12, 14))
