"""Damage spreading: the divergence of a rollout and its replica, which differs in one place at frame 32.

The replica has the same rule and the same noise, but at frame 32 the states of a block of cells in the middle of its
grid have the opposite sign. Bagnoli, Rechtman & Ruffo (Phys. Lett. A 172, 1992) measure chaos of cellular automata this
way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.flip import Flip
from nca_assets.automaton.recipe import Rule
from nca_assets.labels.counting import count_tokens

FLIP_FRAME = 32
"""Past the first transient: early damage to a cell is often masked."""

REPLICA_FRAMES = FLIP_FRAME + 80
"""Frames of the replica: damage crosses a grid of 48 cells in 80 frames at a third of a cell a frame."""

LATE_FRAMES = 16
"""The last frames of the replica, over which damage is averaged."""


@dataclass(frozen=True)
class Damage:
    """The spread of the damage.

    ``share``: the share of cells whose tokens differ, over the replica's last 16 frames. ``independent``: the same
    for two grids with this rollout's tokens in random places, 1 - Σp². ``speed``: cells per frame on the first half
    of the way to the far side; 0 if the damage never got there.
    """

    share: float
    independent: float
    speed: float


def flip_in_the_middle(rule: Rule) -> Flip:
    """The damage done to the replica."""
    height, width = rule.shape
    return Flip(frame=FLIP_FRAME, y=height // 2, x=width // 2)


def measure_damage(tokens: NDArray[np.uint8], replica: NDArray[np.uint8], flip: Flip) -> Damage:
    """Compare the frames common to a rollout and its replica (frames, height, width)."""
    differ = tokens[: len(replica)] != replica
    late = tokens[len(replica) - LATE_FRAMES : len(replica)]
    shares = count_tokens(late).sum(axis=0) / late.size
    return Damage(
        share=int(np.count_nonzero(differ[-LATE_FRAMES:])) / late.size,
        independent=round(1 - float((shares**2).sum()), 9),
        speed=_speed(differ, flip),
    )


def _speed(differ: NDArray[np.bool_], flip: Flip) -> float:
    """Distance over time when a differing cell first lies at half the greatest possible distance from the flip."""
    _, height, width = differ.shape
    rows = _distance_on_a_ring(np.arange(height) - flip.y, height)
    columns = _distance_on_a_ring(np.arange(width) - flip.x, width)
    half = (max(height, width) // 2 + 1) // 2
    distance = np.maximum(rows[:, None], columns[None, :]).astype(np.uint8)
    reached = (differ * distance).reshape(len(differ), -1).max(axis=1)
    frame = int((reached >= half).argmax())
    return int(reached[frame]) / max(frame - flip.frame, 1) if reached[frame] >= half else 0.0


def _distance_on_a_ring(offset: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.minimum(offset % size, -offset % size)
