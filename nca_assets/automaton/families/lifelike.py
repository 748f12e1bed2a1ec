"""Life-like rules on a ground that turns as a whole: births and survivals by counts of neighbors, with a fading trail.

Either a window on twice the living neighbors plus the cell itself (Life's is 5 to 7), or births alone, by a window on
the living neighbors, in cells that neither live nor still have a trail (Brian's Brain). Windows are differences of two
steep steps.
"""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.grounds import FIELDS, add_step, rest
from nca_assets.automaton.families.starts import start_of
from nca_assets.automaton.sketch import CENTER, RING, Sketch

SURVIVALS = ((5, 7), (5, 7), (5, 7), (6, 8), (5, 8), (3, 5))
BIRTHS = ((2, 2), (2, 2), (2, 3), (1, 1))
STEEP = 256


def draw_lifelike(draws: Draws, height: int, width: int) -> Drawn:
    """Field 2 lives, field 3 is its trail, and fields 0 and 1 are the ground."""
    sketch = Sketch(FIELDS)
    add_step(sketch, draws, 0)
    with_trail = draws.chance(24)
    if with_trail:
        low, high = draws.one_of(BIRTHS)
        fade = draws.between(0, 16)
        reads, middle, step = [(2, RING, 4 * STEEP), (2, CENTER, -STEEP * 9 // 2), (3, CENTER, -STEEP * 9 // 2)], -5, 1
    else:
        low, high = draws.one_of(SURVIVALS)
        fade = draws.between(0, 56)
        reads, middle, step = [(2, RING, 8 * STEEP), (2, CENTER, STEEP // 2)], 8, 1
    born, crowded = (
        sketch.unit(*reads, bias=STEEP * (2 * middle + (0 if with_trail else 1) - edge) // 2)
        for edge in (2 * low - 1, 2 * high + 1)
    )
    sketch.write(2, born, 70)
    sketch.write(2, crowded, -70)
    sketch.bias(2, -70)
    sketch.write(3, sketch.unit((3, CENTER, 64)), fade)
    sketch.write(3, sketch.unit((2, CENTER, 256)), 70 - fade)
    rest(sketch, 4)
    kind = "sparse" if with_trail else draws.one_of(("noise", "sparse", "patches"))
    start = start_of(kind, draws, height, width, steady={0: -1024, 1: -1024, 4: -1024})
    return Drawn(sketch, start, 0, draws.between(12, 14))
