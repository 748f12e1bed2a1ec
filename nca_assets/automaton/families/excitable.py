"""Excitable media: cells that fire when enough neighbors do, then recover; marked cells fire by themselves.

After Greenberg and Hastings (SIAM J. Appl. Math. 34, 1978), with a graded recovery.
"""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.grounds import FIELDS, keep, marks, rest
from nca_assets.automaton.sketch import BOX, CENTER, RING, Sketch


def draw_excitable(draws: Draws, height: int, width: int) -> Drawn:
    """Field 0 is the excitation, field 1 the recovery, field 4 marks the cells that fire by themselves."""
    sketch = Sketch(FIELDS)
    steep = draws.between(192, 384)
    threshold, recovery = draws.between(38, 128), draws.between(0, 51)
    spontaneous = steep * (threshold + 48) // 64
    fire = sketch.unit(
        (0, draws.one_of((RING, BOX)), 4 * steep),
        (1, CENTER, -6 * steep),
        (4, CENTER, spontaneous // 2),
        bias=steep * (256 - threshold) // 64 - 6 * steep + steep * 154 * recovery // 4096 + spontaneous // 2,
    )
    sketch.write(0, fire, 115)
    pace = draws.between(6, 38)
    sketch.write(1, sketch.unit((1, CENTER, 64)), 64 - pace)
    sketch.write(1, sketch.unit((0, CENTER, 64)), min(102, pace * draws.between(64, 128) // 64))
    sketch.bias(1, -(pace * 10 // 64) - 3)
    keep(sketch, 4)
    rest(sketch, 2, 3)
    kind = draws.one_of(("noise", "patches", "sparse", "ground"))
    start = marks(draws, height, width, draws.one_of((1, 2)), draws.between(1, 5), kind)
    return Drawn(sketch, start, 0, draws.between(12, 14))
