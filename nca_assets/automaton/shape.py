"""Grid shapes, drawn once for each block of 32 consecutive rollouts, so that batches can share a shape."""

from __future__ import annotations

from math import isqrt

from nca_assets.automaton.draws import SHAPE_STREAM
from nca_assets.automaton.philox import draw_words
from nca_assets.automaton.population import Population

SHAPE_BLOCK = 32
"""Consecutive rollouts that share a grid shape."""

SHAPE_STEPS = (49471, 37345)
"""2**16 over g and over g², for g³ = g + 1 (Roberts' R2 sequence): points that fill a square evenly, one by one."""


def draw_shape(population: Population, index: int) -> tuple[int, int]:
    """(height, width) of rollout ``index``, within the population's sides, the same for each block of 32 rollouts.

    The geometric mean of the sides is smallest + (largest - smallest + 1)·u^1.5 for uniform u, which with sides from 8
    to 48 gives the card's skew (many small grids, mean cells well above the median); the aspect ratio is up to 4:1
    where the bounds allow. From block to block, u and the aspect advance in even steps from the set's starting point,
    so that a few dozen blocks are distributed like all of them.
    """
    seed, smallest, largest = population.seed, population.smallest_side, population.largest_side
    block = index // SHAPE_BLOCK
    first_u, first_v, *_ = draw_words((seed, 0), SHAPE_STREAM, 0, 1)[0].tolist()
    u, v = (first_u + SHAPE_STEPS[0] * block) & 0xFFFF, (first_v + SHAPE_STEPS[1] * block) & 0xFFFF
    flip = int(draw_words((seed, block), SHAPE_STREAM, 1, 1)[0, 0]) & 1
    side = smallest + (isqrt(u**3) * (largest - smallest + 1) >> 24)
    widest = min(32, 32 * largest // side - 32, 32 * side // smallest - 32)
    stretch = 32 + (v * (widest + 1) >> 16)
    long, short = (side * stretch + 16) // 32, (32 * side + stretch // 2) // stretch
    return (long, short) if flip else (short, long)
