"""The ground, a token that covers most of each frame, and the objects that lie, beat or move on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nca_assets.automaton.jit import compiled
from nca_assets.labels.counting import Counts, Frames
from nca_assets.labels.matching import MatchCounter, count_shifted
from nca_assets.labels.rhythm import lag_match_curve, rhythm_lag
from nca_assets.labels.translation import MAX_LOOSE_PERIOD, Shift, reaching

GROUND_SHARE = 0.5
IN_PLACE = 0.5
"""Least chance at which objects count as staying in place."""

SHIFT_EVERY = 15
"""Stride of the frames of the tail that are searched for a common shift."""

MAX_OBJECT_CELLS = 1 / 16
"""Share of the frame; anything larger is a domain, not an object."""

FOUND_AGAIN = 1 / 3
"""Share of the objects' cells, above chance, so that up to three swarms may go different ways."""


@dataclass(frozen=True)
class Ground:
    """``share`` is that of a frame's commonest token, mean over the tail. For a ground, ``still`` is the share of the
    tail's frames with its most frequent token. For the objects on it: their number per frame and their size in cells;
    the chance that a cell off the ground at one time is off it at another (``home``); their common ``shift``; and, if
    they stay in place, the period of their ``beat``, in frames."""

    share: float
    still: float | None = None
    objects: float | None = None
    object_size: float | None = None
    home: float | None = None
    shift: Shift | None = None
    beat: int | None = None


def measure_ground(window: Frames, counts: Counts, tail: int, every: int) -> Ground:
    """The ground of the last ``tail`` frames of ``window`` (frames, height, width), and the objects on it.

    ``counts`` are the tokens of the window's frames. Objects are counted in one of ``every`` frames.
    """
    commonest = counts.argmax(axis=1)
    cells = window[0].size
    share = int(counts[-tail:].max(axis=1).sum()) / (tail * cells)
    if share < GROUND_SHARE:
        return Ground(share)
    still = int(np.bincount(commonest[-tail:]).max()) / tail
    off_ground = window != commonest[:, None, None]
    off = off_ground[-tail:].astype(np.uint8)
    sampled = off[::every]
    objects, covered = int(_count_objects(sampled)), int(sampled.sum())
    size = covered / objects if objects else None
    times = off.sum(axis=0, dtype=np.int64)
    home = int((times**2).sum()) / (tail * int(times.sum())) if times.any() else None
    shift = beat = None
    if size and size <= MAX_OBJECT_CELLS * cells and covered >= len(sampled):
        shift = _common_shift(off)
        if home is not None and home >= IN_PLACE:
            # The ground is 0 and token a is a + 1; only an imported token 255 is mistaken for ground here.
            beat = rhythm_lag(lag_match_curve(MatchCounter(off_ground * (window + np.uint8(1)))))
    return Ground(share, still, objects / len(sampled), size, home, shift, beat)


def _common_shift(off: Frames) -> Shift | None:
    """The shift, over 1 to 8 frames and by up to a cell per frame, that recovers the most cells; of several about as
    good, the one over the fewest frames. None if it recovers less than a third, or less than twice the share in place.

    ``off`` is 1 where a cell is off the ground. Recovery by chance is subtracted.
    """
    _, height, width = off.shape
    later = np.arange(len(off) - 1, MAX_LOOSE_PERIOD - 1, -SHIFT_EVERY)
    found: list[tuple[float, Shift]] = []
    for period in range(1, MAX_LOOSE_PERIOD + 1):
        before, after = off[later - period], off[later]
        down, right = reaching(period, height), reaching(period, width)
        matches = count_shifted(before, after, down, right)
        sizes = before.sum(axis=(1, 2), dtype=np.int64), after.sum(axis=(1, 2), dtype=np.int64)
        total = int(sizes[0].sum() + sizes[1].sum())
        chance = int((sizes[0] * sizes[1]).sum()) / before[0].size
        again = ((matches - before.size + total) // 2 - chance) / max(total / 2 - chance, 1)
        share, in_place = float(again.max()), float(again[-down.start, -right.start])
        best = [Shift(period, down[row], right[column]) for row, column in np.argwhere(again == share).tolist()]
        shift = min(best, key=lambda s: s.length)
        if share >= FOUND_AGAIN and share >= 2 * in_place:
            found.append((share, shift))
    most = max((share for share, _ in found), default=0)
    return next((shift for share, shift in found if share >= 0.9 * most), None)


@compiled
def _count_objects(off):
    """The number of pieces, over all frames, of cells off the ground connected by king's moves on the torus."""
    frames, height, width = off.shape
    seen_in = np.zeros((height, width), dtype=np.int64)
    waiting = np.empty(height * width, dtype=np.int64)
    objects = 0
    for t in range(frames):
        for y in range(height):
            for x in range(width):
                if not off[t, y, x] or seen_in[y, x] == t + 1:
                    continue
                objects += 1
                seen_in[y, x] = t + 1
                waiting[0], left = y * width + x, 1
                while left:
                    left -= 1
                    row, column = waiting[left] // width, waiting[left] % width
                    for dy in range(-1, 2):
                        for dx in range(-1, 2):
                            near = ((row + dy) % height, (column + dx) % width)
                            if off[t, near[0], near[1]] and seen_in[near] != t + 1:
                                seen_in[near] = t + 1
                                waiting[left] = near[0] * width + near[1]
                                left += 1
    return objects
