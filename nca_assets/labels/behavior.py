"""The behavior class of a rollout; ``docs/LABELS.md`` gives the definitions with their reasons.

The tail is the last 128 frames. All comparisons are between frames of the tail, except for the rhythm's, which
looks at the last 256, and those with the damaged twin. The grid is a torus, so shifts wrap around.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.labels.counting import Counts, MatchCounter, count_tokens
from nca_assets.labels.damage import Damage

Tokens = NDArray[np.uint8]

TAIL = 128
LONGEST_PERIOD = 64
RHYTHM_WINDOW = 256
LONGEST_LAG = 128
RHYTHM_RISE = 0.2
SETTLING_CHANGE = 0.02
SETTLING_FROZEN = 0.5
SURVIVING_DAMAGE = 0.02
CHAOTIC_DAMAGE = 0.5
"""Of the mismatch of independent grids."""

FEWEST_FRAMES = TAIL + 1
"""The tail and the frame before it, so that the change into the tail is defined; it also holds frame 112."""

CLASSES = ("static", "translating", "periodic", "rhythmic", "settling", "chaotic", "complex", "drifting")


@dataclass(frozen=True)
class Behavior:
    """A class, and what goes with it: the period in frames and, if translating, the shift in cells per period."""

    name: str
    period: int | None = None
    dy: int | None = None
    dx: int | None = None


def classify(tokens: Tokens, damage: Damage | None = None, lag_match: NDArray[np.float64] | None = None) -> Behavior:
    """The first class in ``CLASSES`` whose definition ``tokens`` (frames, height, width) meets.

    Without ``damage``, of movies that no recipe gives, what could be chaotic or complex is drifting. ``lag_match`` may
    pass in what ``lag_match_curve`` gives, when it is at hand.
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
    lag = rhythm_lag(lag_match_curve(MatchCounter(tokens)) if lag_match is None else lag_match)
    if lag is not None:
        return Behavior("rhythmic", lag)
    if _is_settling(tail):
        return Behavior("settling")
    if damage and damage.share >= CHAOTIC_DAMAGE * damage.independent:
        return Behavior("chaotic")
    if damage and damage.share > SURVIVING_DAMAGE:
        return Behavior("complex")
    return Behavior("drifting")


def frozen_share(tail: Tokens) -> float:
    """The share of cells that never change in the tail."""
    return int((tail == tail[0]).all(axis=0).sum()) / tail[0].size


def _is_settling(tail: Tokens) -> bool:
    changes = np.count_nonzero(tail[1:] != tail[:-1], axis=(1, 2))
    earlier, later = changes[: TAIL // 2].mean(), changes[TAIL // 2 :].mean()
    few = changes.mean() < SETTLING_CHANGE * tail[0].size
    return bool(few and later < earlier and frozen_share(tail) >= SETTLING_FROZEN)


def exact_period(tail: Tokens) -> int | None:
    """The smallest p in 2..64 with X_t = X_{t-p} throughout the tail."""
    as_last = np.flatnonzero((tail[-1 - LONGEST_PERIOD : -1] == tail[-1]).all(axis=(1, 2)))
    periods = LONGEST_PERIOD - as_last[::-1]
    return next((int(p) for p in periods if p > 1 and _repeats(tail, int(p))), None)


def translation(tail: Tokens, longest: int) -> Behavior | None:
    """The smallest p in 1..``longest`` with a shift (dy, dx) ≠ 0 such that X_t = shift(X_{t-p}) throughout the tail.

    Down and right are positive; of several such shifts the shortest, then the lowest (dy, dx), is taken.
    """
    counts = count_tokens(tail)
    # The frame in which some token is rarest leaves the fewest shifts to try.
    fewest = np.where(counts > 0, counts, tail[0].size).min(axis=1)
    alike = np.flatnonzero((counts[-1 - LONGEST_PERIOD : -1] == counts[-1]).all(axis=1))
    for p in (LONGEST_PERIOD - alike[::-1]).tolist():
        if p > longest:
            break
        # Only frames with the same tokens, as often each, can be shifted into each other.
        if not np.array_equal(counts[p:], counts[:-p]):
            continue
        at = p + int(fewest[p:].argmin())
        shifts = _candidate_shifts(tail[at - p], tail[at], counts[at])
        for dy, dx in sorted(shifts, key=lambda s: (abs(s[0]) + abs(s[1]), s)):
            if _repeats(tail, p, (dy, dx), at):
                return Behavior("translating", p, dy, dx)
    return None


def lag_match_curve(counter: MatchCounter) -> NDArray[np.float64]:
    """s(L) for L = 1, 2, …: the share of cells with X_t = X_{t-L}, both among the last 256 frames.

    Lags go up to 128, or half of the frames when there are fewer than 256. Entry 0 is lag 1.
    """
    earlier, later, starts, pairs = _lag_pairs(counter.frames)
    return np.add.reduceat(counter.matches(earlier, later), starts) / (pairs * counter.cells)


@cache
def _lag_pairs(frames: int) -> tuple[NDArray[np.int64], ...]:
    """The pairs of frames of each lag, one lag after the other; where in them each begins; how many it has."""
    window = min(frames, RHYTHM_WINDOW)
    lags = range(1, min(LONGEST_LAG, window // 2) + 1)
    later = [np.arange(frames - window + lag, frames) for lag in lags]
    earlier = [late - lag for lag, late in zip(lags, later, strict=True)]
    pairs = np.array([window - lag for lag in lags])
    return np.concatenate(earlier), np.concatenate(later), np.concatenate([[0], np.cumsum(pairs)[:-1]]), pairs


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


def _repeats(tail: Tokens, period: int, shift: tuple[int, int] = (0, 0), at: int = TAIL - 1) -> bool:
    def moved(frames: Tokens) -> NDArray[Any]:
        return np.roll(frames, shift, axis=(-2, -1)) if any(shift) else frames

    # One frame decides almost every case at a hundredth of the cost.
    if not np.array_equal(tail[at], moved(tail[at - period])):
        return False
    return np.array_equal(tail[period:], moved(tail[:-period]))


def _candidate_shifts(before: Tokens, after: Tokens, counts: Counts) -> list[tuple[int, int]]:
    """The non-zero shifts that could carry ``before`` to ``after``: they map a cell of the rarest token to another.

    ``counts`` says how often each token occurs, in either frame.
    """
    rarest = int(np.argmin(np.where(counts > 0, counts, after.size + 1)))
    origin = np.argwhere(after == rarest)[0]
    shifts = (origin - np.argwhere(before == rarest)) % after.shape
    centred = np.where(shifts > np.array(after.shape) // 2, shifts - after.shape, shifts)
    return [(int(dy), int(dx)) for dy, dx in centred if dy or dx]
