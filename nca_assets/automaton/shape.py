"""Grid shapes: drawn once for each block of 32 consecutive rollouts, so that a batch has one shape."""

from __future__ import annotations

from math import isqrt

from nca_assets.automaton.draws import SHAPE_STREAM
from nca_assets.automaton.philox import draw_words
from nca_assets.law import Law

SHAPE_BLOCK = 32
"""Consecutive rollouts that share a grid shape."""

SHAPE_STEPS = (49471, 37345)
"""2**16 over g and over g², for g³ = g + 1 (Roberts' R2 sequence): points that fill a square evenly, one by one."""


CARD = Law()
"""The law of the card's sets."""


def draw_shape(seed: int, index: int, law: Law = CARD) -> tuple[int, int]:
    """(height, width) of rollout ``index``, the same for each block of 32 consecutive rollouts.

    Both are between the sides of ``law``. Of the card's sets the geometric mean of the sides is 8 + 41·u^1.5 for
    uniform u, which gives the card's skew (many small grids, mean cells well above the median); the aspect ratio is up
    to 4:1 as far as the bounds allow. From block to block u and the aspect go on in even steps from where the set
    begins, so that a few dozen blocks are distributed as all are.
    """
    block = index // SHAPE_BLOCK
    first_u, first_v, *_ = draw_words((seed, 0), SHAPE_STREAM, 0, 1)[0].tolist()
    u, v = (first_u + SHAPE_STEPS[0] * block) & 0xFFFF, (first_v + SHAPE_STEPS[1] * block) & 0xFFFF
    flip = int(draw_words((seed, block), SHAPE_STREAM, 1, 1)[0, 0]) & 1
    side = law.smallest_side + (isqrt(u**3) * (law.largest_side - law.smallest_side + 1) >> 24)
    widest = min(32, 32 * law.largest_side // side - 32, 32 * side // law.smallest_side - 32)
    stretch = 32 + (v * (widest + 1) >> 16)
    long, short = (side * stretch + 16) // 32, (32 * side + stretch // 2) // stretch
    return (long, short) if flip else (short, long)
