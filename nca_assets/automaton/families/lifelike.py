"""Life-like rules on a ground that turns as a whole: births and survivals by neighbor counts, with a fading trail.

Either a window on twice the number of living neighbors plus the cell itself (Life's is 5 to 7: Gardner, Scientific
American 223, 1970), or births alone, by a window on the number of living neighbors, in dead cells without a trail (as
in Brian's Brain). A window is the difference of two steep steps.
"""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.grounds import FIELDS, add_step, rest
from nca_assets.automaton.families.starts import start_of
from nca_assets.automaton.sketch import CENTER, RING, Read, Sketch

SURVIVALS = ((5, 7), (5, 7), (5, 7), (6, 8), (5, 8), (3, 5))
BIRTHS = ((2, 2), (2, 2), (2, 3), (1, 1))

STEEP = 256
"""A unit's gain per count."""


def draw_lifelike(draws: Draws, height: int, width: int) -> Drawn:
    """Field 2 is life, field 3 its trail, and fields 0 and 1 are the ground."""
    sketch = Sketch(FIELDS)
    add_step(sketch, draws, 0)
    births_alone = draws.chance(24)
    if births_alone:
        (low, high), fade = draws.one_of(BIRTHS), draws.between(0, 16)
        block = -9 * STEEP // 2
        reads: list[Read] = [(2, RING, 4 * STEEP), (2, CENTER, block), (3, CENTER, block)]
        zero = 2 * block + 4 * STEEP
    else:
        (low, high), fade = draws.one_of(SURVIVALS), draws.between(0, 56)
        reads = [(2, RING, 8 * STEEP), (2, CENTER, STEEP // 2)]
        zero = STEEP // 2 + 8 * STEEP
    for edge, weight in ((2 * low - 1, 70), (2 * high + 1, -70)):
        sketch.write(2, sketch.unit(*reads, bias=zero - edge * STEEP // 2), weight)
    sketch.bias(2, -70)
    sketch.write(3, sketch.unit((3, CENTER, 64)), fade)
    sketch.write(3, sketch.unit((2, CENTER, 256)), 70 - fade)
    rest(sketch, 4)
    kind = "sparse" if births_alone else draws.one_of(("noise", "sparse", "patches"))
    return Drawn(sketch, start_of(kind, draws, height, width, quiet=(0, 1, 4)), 0, draws.between(12, 14))
