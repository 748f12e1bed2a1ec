"""Excitable media: cells that fire when enough neighbors do, then recover; marked cells fire by themselves.

After Greenberg and Hastings (SIAM Journal on Applied Mathematics 34, 1978), with a graded recovery.
"""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.grounds import FIELDS, MARK, keep, rest
from nca_assets.automaton.families.starts import marked
from nca_assets.automaton.sketch import BOX, CENTER, RING, Sketch


def draw_excitable(draws: Draws, height: int, width: int) -> Drawn:
    """Field 0 is the excitation, field 1 the recovery after it."""
    sketch = Sketch(FIELDS)
    around, steep = draws.one_of((RING, BOX)), draws.between(192, 384)
    threshold, recovery, pace = draws.between(38, 128), draws.between(0, 51), draws.between(6, 38)
    by_itself = steep * (threshold + 48) // 128
    fire = sketch.unit(
        (0, around, 4 * steep),
        (1, CENTER, -6 * steep),
        (MARK, CENTER, by_itself),
        bias=by_itself - steep * (64 * (128 + threshold) - 154 * recovery) // 4096,
    )
    sketch.write(0, fire, 115)
    sketch.write(1, sketch.unit((1, CENTER, 64)), 64 - pace)
    sketch.write(1, sketch.unit((0, CENTER, 64)), min(102, pace * draws.between(64, 128) // 64))
    sketch.bias(1, -3 - 10 * pace // 64)
    keep(sketch, MARK)
    rest(sketch, 2, 3)
    kind = draws.one_of(("noise", "patches", "sparse", "ground"))
    start = marked(kind, draws, height, width, MARK, (1, draws.between(1, 2)), draws.between(1, 5))
    return Drawn(sketch, start, 0, draws.between(12, 14))
