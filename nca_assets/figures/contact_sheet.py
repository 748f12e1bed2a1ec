"""A small sheet of rollouts: one column a rollout, the chosen frames below each other; and the same, moving."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nca_assets.figures.palette import indexed

GAP = 2
SCALE = 3


def contact_sheet(rollouts: Sequence[NDArray[np.uint8]], frames: Sequence[int]) -> bytes:
    """A PNG with the ``frames`` of each of ``rollouts`` in color (frames, height, width, 3), three pixels a cell."""
    image = indexed(joined([[pixels[frame] for pixels in rollouts] for frame in frames]), SCALE)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, bits=8)
    return buffer.getvalue()


def moving_sheet(rollouts: Sequence[NDArray[np.uint8]], frames: Sequence[int]) -> bytes:
    """A GIF that shows ``frames`` of all of ``rollouts`` in color one after the other, ten a second."""
    images = [indexed(joined([[pixels[frame] for pixels in rollouts]]), SCALE) for frame in frames]
    buffer = io.BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=100, loop=0, optimize=False)
    return buffer.getvalue()


def joined(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Grids (height, width, 3) beside and below each other, each column as wide as its widest; white between."""
    widths = [max(grid.shape[1] for grid in column) for column in zip(*_filled(rows), strict=True)]
    heights = [max(grid.shape[0] for grid in row) for row in rows]
    sheet = np.full((sum(heights) + GAP * (len(heights) - 1), sum(widths) + GAP * (len(widths) - 1), 3), 255, np.uint8)
    top = 0
    for row, row_height in zip(rows, heights, strict=True):
        left = 0
        for grid, width in zip(row, widths, strict=False):
            sheet[top : top + grid.shape[0], left : left + grid.shape[1]] = grid
            left += width + GAP
        top += row_height + GAP
    return sheet


def _filled(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> list[list[NDArray[np.uint8]]]:
    """The rows, the shorter ones with empty grids at their end."""
    longest = max(len(row) for row in rows)
    return [[*row, *[np.empty((0, 0, 3), np.uint8)] * (longest - len(row))] for row in rows]
