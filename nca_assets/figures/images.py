"""Palette images of grids as PNG and GIF, with exact colors."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GAP = 2
"""White pixels between joined grids, before they are enlarged."""


def png(pixels: NDArray[np.uint8], scale: int) -> bytes:
    """A picture (height, width, 3) of at most 256 colors as PNG, ``scale`` pixels per cell."""
    buffer = io.BytesIO()
    indexed(pixels, scale).save(buffer, "PNG", optimize=True, bits=8)
    return buffer.getvalue()


def gif(frames: Iterable[NDArray[np.uint8]], scale: int, milliseconds: int) -> bytes:
    """A looping GIF of pictures like those of ``png``, each shown for ``milliseconds``."""
    first, *others = (indexed(frame, scale) for frame in frames)
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0, optimize=False)
    return buffer.getvalue()


def indexed(pixels: NDArray[np.uint8], scale: int) -> Image.Image:
    """A palette image of pixels (height, width, 3) of at most 256 colors, enlarged ``scale`` times."""
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    found, places = np.unique(packed, return_inverse=True)
    image = Image.fromarray(enlarged(places.reshape(packed.shape).astype(np.uint8), scale))
    image.putpalette([int(color) >> shift & 255 for color in found for shift in (16, 8, 0)])
    return image


def enlarged(cells: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """``scale`` by ``scale`` pixels for each cell of (height, width, …)."""
    return cells.repeat(scale, axis=0).repeat(scale, axis=1)


def joined(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Grids (height, width, 3) as a table, each column as wide as its widest grid, with white gaps."""
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
    """The rows, padded to equal length with empty grids."""
    longest = max(len(row) for row in rows)
    return [[*row, *[np.empty((0, 0, 3), np.uint8)] * (longest - len(row))] for row in rows]
