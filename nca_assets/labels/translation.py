"""Frames that recur, in place or shifted: exact periods and translations, and translations under noise.

Shifts are (dy, dx) in cells, down and right positive, on the torus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.labels.counting import Counts, Frames
from nca_assets.labels.matching import count_shifted

MAX_PERIOD = 64
MAX_LOOSE_PERIOD = 8
FASTEST = 2
"""Cells a frame: two 3x3 convolutions a step let nothing pass faster."""

LOOSE_MISMATCH = 0.05
"""Share of the cells; one random cell in a hundred per frame leaves 0.02."""

MOVING_MISMATCH = 0.2
"""Share of the cells that differ without the shift: fewer could be the same few cells, anywhere."""

PROBED_CELLS = 128


@dataclass(frozen=True)
class Shift:
    """A pattern recurs after ``period`` frames, ``dy`` cells further down and ``dx`` further to the right."""

    period: int
    dy: int
    dx: int

    @property
    def length(self) -> tuple[int, int, int]:
        """Sorting key: the shortest shift, then the lowest (dy, dx)."""
        return abs(self.dy) + abs(self.dx), self.dy, self.dx


def exact_period(tail: Frames) -> int | None:
    """The smallest p in 2..64 with X_t = X_{t-p} throughout the tail."""
    as_last = np.flatnonzero((tail[-1 - MAX_PERIOD : -1] == tail[-1]).all(axis=(1, 2)))
    periods = MAX_PERIOD - as_last[::-1]
    return next((int(p) for p in periods if p > 1 and repeats(tail, Shift(int(p), 0, 0))), None)


def exact_translation(tail: Frames, counts: Counts, longest: int) -> Shift | None:
    """The smallest p in 1..``longest`` with a nonzero shift such that X_t = shift(X_{t-p}) throughout the tail.

    Of several such shifts, the shortest, then the lowest (dy, dx), is taken. ``counts`` are the tokens of each frame.
    """
    # The frame in which some token is rarest leaves the fewest shifts to try.
    fewest = np.where(counts > 0, counts, tail[0].size).min(axis=1)
    alike = np.flatnonzero((counts[-1 - MAX_PERIOD : -1] == counts[-1]).all(axis=1))
    for p in (MAX_PERIOD - alike[::-1]).tolist():
        if p > longest:
            break
        # Only frames with equal token counts can be shifted into each other.
        if not np.array_equal(counts[p:], counts[:-p]):
            continue
        at = p + int(fewest[p:].argmin())
        shifts = [Shift(p, *by) for by in _candidate_shifts(tail[at - p], tail[at], counts[at])]
        for shift in sorted(shifts, key=lambda s: s.length):
            if repeats(tail, shift, at):
                return shift
    return None


def loose_translation(tail: Frames, counts: Counts) -> Shift | None:
    """The smallest p in 1..8 with a shift that leaves at most 5 % of the tail's cells unexplained, where at least 20 %
    differ without it. Shifts are at most 2 cells per frame; the best one is taken."""
    _, height, width = tail.shape
    probe = min(height, -(-PROBED_CELLS // width))
    for p in range(1, MAX_LOOSE_PERIOD + 1):
        last, before = tail[-1], tail[-1 - p]
        alike = np.minimum(counts[-1], counts[-1 - p]).sum() >= (1 - 2 * LOOSE_MISMATCH) * last.size
        if not alike or np.count_nonzero(last != before) < MOVING_MISMATCH / 2 * last.size:
            continue
        down, right = (reaching(FASTEST * p, side) for side in (height, width))
        matches = count_shifted(before[None], tail[-1:, :probe], down, right)
        likely = np.argwhere(matches >= (1 - 3 * LOOSE_MISMATCH) * probe * width).tolist()
        shifts = [Shift(p, down[row], right[column]) for row, column in likely]
        best = min(shifts, key=lambda s: (_mismatch(tail[-1 - p :], s), s.length), default=None)
        # With 20 % differing without it, it is not the shift by 0.
        if best and _mismatch(tail, best) <= LOOSE_MISMATCH and _mismatch(tail, Shift(p, 0, 0)) >= MOVING_MISMATCH:
            return best
    return None


def reaching(distance: int, side: int) -> range:
    """The shifts by up to ``distance`` either way along a side of the torus, each once."""
    return range(-min(distance, (side - 1) // 2), min(distance, side // 2) + 1)


def repeats(tail: Frames, shift: Shift, at: int = -1) -> bool:
    """Whether X_t = shift(X_{t-p}) throughout the tail. Frame ``at``, tried first, settles almost every case."""
    at %= len(tail)
    if not np.array_equal(tail[at], moved(tail[at - shift.period], shift)):
        return False
    return np.array_equal(tail[shift.period :], moved(tail[: -shift.period], shift))


def moved(frames: NDArray[Any], shift: Shift) -> NDArray[Any]:
    """A frame, or frames, shifted."""
    return np.roll(frames, (shift.dy, shift.dx), axis=(-2, -1)) if shift.dy or shift.dx else frames


def _mismatch(frames: Frames, shift: Shift) -> float:
    differ = frames[shift.period :] != moved(frames[: -shift.period], shift)
    return int(np.count_nonzero(differ)) / differ.size


def _candidate_shifts(before: Frames, after: Frames, counts: Counts) -> list[tuple[int, int]]:
    """The nonzero shifts that could carry ``before`` to ``after``: they map a cell of the rarest token to another.

    ``counts`` are the tokens of each frame, the same in both.
    """
    rarest = int(np.argmin(np.where(counts > 0, counts, after.size + 1)))
    origin = np.argwhere(after == rarest)[0]
    shifts = (origin - np.argwhere(before == rarest)) % after.shape
    centered = np.where(shifts > np.array(after.shape) // 2, shifts - after.shape, shifts)
    return [(int(dy), int(dx)) for dy, dx in centered if dy or dx]
