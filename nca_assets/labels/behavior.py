"""The behavior class of a rollout, from its tokens alone.

The tail is the last 128 frames. All comparisons are between frames of the tail, except for the rhythm's, which
looks at the last 256. The grid is a torus, so shifts wrap around.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.uint8]

TAIL = 128
LONGEST_PERIOD = 64
RHYTHM_WINDOW = 256
LONGEST_LAG = 128
RHYTHM_RISE = 0.2

FEWEST_FRAMES = TAIL + 1
"""The tail and the frame before it, so that the change into the tail is defined; it also holds frame 112."""

CLASSES = ("static", "translating", "periodic", "rhythmic", "drifting")


@dataclass(frozen=True)
class Behavior:
    """A class, and what goes with it: the period in frames and, if translating, the shift in cells per period."""

    name: str
    period: int | None = None
    dy: int | None = None
    dx: int | None = None


def classify(tokens: Tokens, lag_match: NDArray[np.float64] | None = None) -> Behavior:
    """The first class in ``CLASSES`` whose definition ``tokens`` (frames, height, width) meets.

    ``lag_match`` may pass in what ``lag_match_curve(tokens)`` gives, when it is at hand.
    """
    tail = tokens[-TAIL:]
    if (tail == tail[0]).all():
        return Behavior("static")
    period = exact_period(tail)
    shift = translation(tail, LONGEST_PERIOD if period is None else period - 1)
    if shift is not None:
        return shift
    if period is not None:
        return Behavior("periodic", period)
    lag = rhythm_lag(lag_match_curve(tokens) if lag_match is None else lag_match)
    return Behavior("rhythmic", lag) if lag is not None else Behavior("drifting")


def exact_period(tail: Tokens) -> int | None:
    """The smallest p in 2..64 with X_t = X_{t-p} throughout the tail."""
    periods = range(2, LONGEST_PERIOD + 1)
    return next((p for p in periods if _repeats(tail, p)), None)


def translation(tail: Tokens, longest: int) -> Behavior | None:
    """The smallest p in 1..``longest`` with a shift (dy, dx) ≠ 0 such that X_t = shift(X_{t-p}) throughout the tail.

    Down and right are positive; of several such shifts the shortest, then the lowest (dy, dx), is taken.
    """
    for p in range(1, longest + 1):
        for dy, dx in sorted(_candidate_shifts(tail[-1 - p], tail[-1]), key=lambda s: (abs(s[0]) + abs(s[1]), s)):
            if _repeats(tail, p, (dy, dx)):
                return Behavior("translating", p, dy, dx)
    return None


def lag_match_curve(tokens: Tokens) -> NDArray[np.float64]:
    """s(L) for L = 1, 2, …: the share of cells with X_t = X_{t-L}, both among the last 256 frames.

    Lags go up to 128, or half of the frames when there are fewer than 256. Entry 0 is lag 1.
    """
    window = tokens[-RHYTHM_WINDOW:].reshape(min(len(tokens), RHYTHM_WINDOW), -1)
    lags = range(1, min(LONGEST_LAG, len(window) // 2) + 1)
    matches = [np.count_nonzero(window[lag:] == window[:-lag]) / window[lag:].size for lag in lags]
    return np.array(matches)


def rise_above_minimum(lag_match: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far s(L) lies above its minimum over shorter and equal lags, in [0, 1]."""
    return lag_match - np.minimum.accumulate(lag_match)


def rhythm_lag(lag_match: NDArray[np.float64]) -> int | None:
    """The first peak of s(L) that rises by at least 0.2 above the running minimum, as a lag in frames."""
    risen = np.flatnonzero(rise_above_minimum(lag_match) >= RHYTHM_RISE)
    if len(risen) == 0:
        return None
    at = int(risen[0])
    while at + 1 < len(lag_match) and lag_match[at + 1] > lag_match[at]:
        at += 1
    return at + 1


def _repeats(tail: Tokens, period: int, shift: tuple[int, int] = (0, 0)) -> bool:
    def moved(frames: Tokens) -> NDArray[Any]:
        return np.roll(frames, shift, axis=(-2, -1)) if any(shift) else frames

    # The last frame decides almost every case at a hundredth of the cost.
    if not np.array_equal(tail[-1], moved(tail[-1 - period])):
        return False
    return np.array_equal(tail[period:], moved(tail[:-period]))


def _candidate_shifts(before: Tokens, after: Tokens) -> list[tuple[int, int]]:
    """The non-zero shifts that could carry ``before`` to ``after``: they map a cell of the rarest token to another."""
    counts = np.bincount(after.ravel(), minlength=256)
    if not np.array_equal(counts, np.bincount(before.ravel(), minlength=256)):
        return []
    rarest = int(np.argmin(np.where(counts > 0, counts, after.size + 1)))
    origin = np.argwhere(after == rarest)[0]
    shifts = (origin - np.argwhere(before == rarest)) % after.shape
    centred = np.where(shifts > np.array(after.shape) // 2, shifts - after.shape, shifts)
    return [(int(dy), int(dx)) for dy, dx in centred if dy or dx]
