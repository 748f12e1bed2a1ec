"""Rhythm: how well a movie matches itself some frames later, and the lag at which it recurs.

Periods blurred by noise count too: waves, breathers and near-cycles, with periods up to 127 frames.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nca_assets.labels.matching import MatchCounter

WINDOW = 256
"""Frames compared, at the end of the rollout."""

MAX_LAG = 128
RECOVERED = 0.5
"""Share of the match lost at a shorter lag that has to be recovered."""


def lag_match_curve(counter: MatchCounter) -> NDArray[np.float64]:
    """s(L) for L = 1, 2, …: the share of cells with X_t = X_{t-L}, both among the last 256 frames.

    Lags go up to 128, or half of the frames when there are fewer than 256. Entry 0 is lag 1.
    """
    earlier, later, starts, pairs = _lag_pairs(counter.frames)
    return np.add.reduceat(counter.matches(earlier, later), starts) / (pairs * counter.cells)


@cache
def _lag_pairs(frames: int) -> tuple[NDArray[np.int64], ...]:
    """The pairs of frames, lag by lag: earlier and later frames, the first pair of each lag, and the pairs per lag."""
    window = min(frames, WINDOW)
    lags = range(1, min(MAX_LAG, window // 2) + 1)
    later = [np.arange(frames - window + lag, frames) for lag in lags]
    earlier = [late - lag for lag, late in zip(lags, later, strict=True)]
    pairs = np.array([window - lag for lag in lags])
    return np.concatenate(earlier), np.concatenate(later), np.concatenate([[0], np.cumsum(pairs)[:-1]]), pairs


def recovery(lag_match: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the match lost at some shorter lag that each lag recovers, in [0, 1]; 0 if none is lost."""
    lowest = np.minimum.accumulate(lag_match)
    lost = 1 - lowest
    return np.divide(lag_match - lowest, lost, out=np.zeros_like(lost), where=lost > 0)


def rhythm_lag(lag_match: NDArray[np.float64]) -> int | None:
    """The lag, in frames, of the first peak of s(L) that recovers at least half of the loss."""
    risen = np.flatnonzero(recovery(lag_match) >= RECOVERED)
    if len(risen) == 0:
        return None
    at = int(risen[0])
    while at + 1 < len(lag_match) and lag_match[at + 1] > lag_match[at]:
        at += 1
    return at + 1 if at + 1 < len(lag_match) else None
