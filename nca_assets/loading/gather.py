"""Copying the frames of a batch's samples, wherever they lie in memory, into one array."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from nca_assets.automaton.jit import compiled

PAD = 255
"""What fills an array beyond a sample's grid."""

_memcpy: Any = types.ExternalFunction("memcpy", types.intp(types.intp, types.intp, types.intp))


def runs(offsets: tuple[int, ...]) -> NDArray[np.int64]:
    """Stretches of consecutive frames: int64 (runs, 2), the first offset and the number of frames of each."""
    cuts = [0, *(i for i in range(1, len(offsets)) if offsets[i] != offsets[i - 1] + 1), len(offsets)]
    return np.array([(offsets[a], b - a) for a, b in pairwise(cuts)])


@compiled
def gather(out, first, runs):
    """Fill ``out``, uint8 (samples, frames, height, width): sample i has the frames of ``runs``, int64 (runs, 2), from
    the frame at address ``first[i]`` on.

    The addresses must be those of rollouts that are long enough: nothing is checked.
    """
    samples, _, height, width = out.shape
    at = out.ctypes.data
    for i in range(samples):
        for run in range(runs.shape[0]):
            size = runs[run, 1] * height * width
            _memcpy(at, first[i] + runs[run, 0] * height * width, size)
            at += size


@compiled
def gather_fitted(out, first, grids, corners, offsets):
    """As ``gather`` for samples of any ``grids``, int64 (samples, 2), fitted into the height and width of ``out``.

    Where a grid is larger, a part of it is taken, from the ``corners`` (row, column) on, over the edges of the torus;
    where it is smaller, ``PAD`` follows.
    """
    samples, frames, height, width = out.shape
    at = out.ctypes.data
    for i in range(samples):
        rows, columns = min(height, grids[i, 0]), min(width, grids[i, 1])
        if rows < height or columns < width:
            out[i] = PAD
        left = corners[i, 1]
        straight = min(columns, grids[i, 1] - left)
        for t in range(frames):
            frame = first[i] + offsets[t] * grids[i, 0] * grids[i, 1]
            for y in range(rows):
                row = frame + (corners[i, 0] + y) % grids[i, 0] * grids[i, 1]
                to = at + ((i * frames + t) * height + y) * width
                _memcpy(to, row + left, straight)
                _memcpy(to + straight, row, columns - straight)
