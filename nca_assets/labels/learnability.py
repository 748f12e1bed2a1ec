"""Learnability: what a bounded learner can learn about a rollout's next tokens, apart from what stays noise to it.

After Finzi et al., From Entropy to Epiplexity (arXiv 2601.03220, 2026): the area between a learner's loss curve and its
final loss estimates the structure that it has learned, and the area below the final loss is noise to it. The learners
are counting students, and the one with the shortest prequential code stands for the rollout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.labels.counting import Frames
from nca_assets.labels.names import STUDENTS, TIERS
from nca_assets.labels.students import BIT, teach

WORTH_LEARNING = 0.05
"""Bits per cell."""

MEDIUM, HARD = 500, 2000
"""Least epiplexities, in bits: about the lower and the upper quartile of native rollouts."""


@dataclass(frozen=True)
class Learnability:
    """The best ``student``; the bits per cell that stay noise to it (``noise``), and those by which it is better than
    the student of mere frequencies (``learnable``), both at the end of learning; the bits that it learned on the way
    (``epiplexity``); and the tier of ``difficulty``."""

    student: str
    noise: float
    learnable: float
    epiplexity: int

    @property
    def difficulty(self) -> str:
        """One of ``TIERS``: none if there is next to nothing to learn, else by the epiplexity."""
        if self.learnable < WORTH_LEARNING:
            return "none"
        return TIERS[1 + (self.epiplexity >= MEDIUM) + (self.epiplexity >= HARD)]


def measure_learnability(tokens: Frames) -> Learnability | None:
    """The learnability of a rollout (frames, height, width); None with more than 32 distinct tokens, which only an
    imported one has."""
    if tokens.max() >= TOKENS:
        distinct, renamed = np.unique(tokens, return_inverse=True)
        if len(distinct) > TOKENS:
            return None
        tokens = renamed.reshape(tokens.shape).astype(np.uint8)
    lessons, cells = teach(tokens)
    student = min(STUDENTS, key=lambda name: lessons[name].whole)  # the simplest if tied
    whole, noise = lessons[student].whole, lessons[student].noise
    return Learnability(
        student=student,
        noise=noise / (cells * BIT),
        learnable=max(0, lessons["frequency"].noise - noise) / (cells * BIT),
        epiplexity=(whole - noise) // BIT,
    )
