"""Curves of a rollout over its frames, as plotted on the original dataset's card, stored as integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.labels.counting import Counts
from nca_assets.labels.matching import MatchCounter

ENTROPY_STEPS = 4096
"""Entropies are stored in units of 1/4096 bit."""

STABILIZED = 100
"""The frame that the second lag-similarity curve starts from."""


@dataclass(frozen=True)
class Curves:
    """One value per frame, int64: entropy in 1/4096 bit; cells that changed since the previous frame (0 at frame 0);
    cells that differ from frame 0; and, from frame 100 on, cells that match frame 100."""

    entropy: NDArray[np.int64]
    changed: NDArray[np.int64]
    differing: NDArray[np.int64]
    matching_100: NDArray[np.int64]

    @classmethod
    def of(cls, counter: MatchCounter, token_counts: Counts) -> Curves:
        """The curves of a rollout with ``token_counts`` (frames, 32)."""
        frames = np.arange(counter.frames)
        before = np.maximum(frames - 1, 0)
        late = frames[STABILIZED:]
        return cls(
            entropy=np.rint(_entropies(token_counts) * ENTROPY_STEPS).astype(np.int64),
            changed=counter.cells - counter.matches(before, frames),
            differing=counter.cells - counter.matches(np.zeros_like(frames), frames),
            matching_100=counter.matches(np.full_like(late, STABILIZED), late),
        )


def _entropies(token_counts: Counts) -> NDArray[np.float64]:
    cells = int(token_counts[0].sum())
    shares = np.arange(1, cells + 1) / cells
    # One logarithm per possible count, which are fewer than the counts.
    terms = np.concatenate([[0], shares * np.log2(shares)])
    # 1e-9 bits is far above the differences of logarithms between machines.
    return np.round(-terms[token_counts].sum(axis=1), 9)
