"""Motion: change that travels from cell to cell, and change explained by one renaming of the tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.jit import compiled
from nca_assets.labels.counting import Frames, alphabet
from nca_assets.labels.matching import MatchCounter

FRAMES = 64
"""Frames used, at the end of the tail."""

WINDOW = 32
"""Frames whose votes are summed before the sign is dropped: long enough for chance to cancel out."""

SPEEDS = ((1, 4), (1, 2), (1, 1), (2, 1))
"""The speeds to look for, as cells and frames."""

FARTHEST = 2
"""The most cells among them."""


@dataclass(frozen=True)
class Travel:
    """``share`` of the change that travels from cell to cell, and ``one_way``, the remainder after opposite directions
    cancel: 0 to 1."""

    share: float
    one_way: float


def traveling(tail: Frames) -> Travel:
    """The travel in the tail, at whichever of four speeds has the most.

    With x + r the cell that is r further right, X_t(x + r) = X_{t-d}(x) is a vote for motion to the right, and
    X_t(x) = X_{t-d}(x + r) one to the left, as in the motion detector of Hassenstein & Reichardt (Z. Naturforsch.
    11b, 1956). Votes are summed over 32 frames and 3x3 cells, then their magnitudes are. A front that moves at up to
    that speed casts two for each cell that it changes; cells that beat in place cast none on balance.
    """
    end = tail[-FRAMES:]
    times = np.arange(len(end))
    counter = MatchCounter(end)
    below = np.concatenate([end, end[:, :FARTHEST]], axis=1)
    padded = np.ascontiguousarray(np.concatenate([below, below[:, :, :FARTHEST]], axis=2))
    found = [Travel(0.0, 0.0)]
    for cells, frames in SPEEDS:
        matches = counter.matches(times[:-frames], times[frames:])
        changed = counter.cells * len(matches) - int(matches.sum())
        if changed:
            gross_x, gross_y, net_x, net_y = _count_votes(padded, cells, frames)
            votes = math.hypot(gross_x, gross_y) / 9, math.hypot(net_x, net_y)
            found.append(Travel(*(min(1.0, round(of / (2 * changed), 9)) for of in votes)))
    return max(found, key=lambda travel: travel.share)


def renamed_change(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """The share of cells whose change from one frame to another is not explained by any renaming of tokens, 0 to 1.

    1 - Σ_a max_b n(a, b) / cells, where n(a, b) cells go from token a to b.
    """
    return _unexplained_cells(before[None], after[None]) / before.size


def synchrony(before: Frames, after: Frames) -> float | None:
    """The share of the changes from the frames of ``before`` to those of ``after`` that one renaming of the tokens per
    pair explains: 0 to 1, null without any change."""
    changed = int(np.count_nonzero(before != after))
    return 1 - _unexplained_cells(before, after) / changed if changed else None


def _unexplained_cells(before: Frames, after: Frames) -> int:
    flat = [np.ascontiguousarray(frames).reshape(len(frames), -1) for frames in (before, after)]
    return int(_count_unexplained(*flat, max(alphabet(before), alphabet(after))))


@compiled
def _count_unexplained(before, after, alphabet):
    unexplained = before.size
    counts = np.zeros((alphabet, alphabet), dtype=np.int64)
    for pair in range(before.shape[0]):
        one, other = before[pair], after[pair]
        for cell in range(one.size):
            counts[one[cell], other[cell]] += 1
        for token in range(alphabet):
            unexplained -= counts[token].max()
        counts[:] = 0
    return unexplained


@compiled
def _count_votes(padded, cells, lag):
    """Along rows and columns, the votes before and after they cancel out over the grid and the windows."""
    frames, stride = padded.shape[0], padded.shape[2]
    height, width = padded.shape[1] - FARTHEST, stride - FARTHEST
    flat, steps = padded.reshape(frames, -1), (cells, cells * stride)
    gross, net = np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64)
    # All rows in one run; votes of the border are dropped at the end.
    votes = np.empty((2, height * stride), dtype=np.int8)
    for start in range(lag, frames, WINDOW):
        votes[:] = 0
        for t in range(start, min(start + WINDOW, frames)):
            for axis in range(2):
                _vote(votes[axis], flat[t], flat[t - lag], steps[axis])
        for axis in range(2):
            inside = votes[axis].reshape(height, stride)[:, :width]
            gross[axis] += _sum_of_blocks(inside)
            net[axis] += inside.astype(np.int64).sum()
    return gross[0], gross[1], abs(net[0]), abs(net[1])


@compiled
def _vote(votes, now, before, step):
    now_there, before_there = now[step:], before[step:]
    for i in range(votes.size):
        votes[i] += np.int8(now_there[i] == before[i]) - np.int8(now[i] == before_there[i])


@compiled
def _sum_of_blocks(votes):
    """The sum of the absolute sums of all blocks of 3 x 3 cells on the torus."""
    height, width = votes.shape
    columns = np.empty(width, dtype=np.int64)
    total = 0
    for y in range(height):
        for x in range(width):
            columns[x] = np.int64(votes[y - 1, x]) + votes[y, x] + votes[(y + 1) % height, x]
        for x in range(width):
            total += abs(columns[x - 1] + columns[x] + columns[(x + 1) % width])
    return total
