"""Sheets of grids with captions: frames of one rollout, or some rollouts beside each other, still or moving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.figures.images import enlarged, gif, png, written

GAP = 8
"""White pixels between panels."""

SCALE = 3
"""Pixels per cell of contact sheets, which Dagster stores with every materialization."""

SMALL = 11
"""Height in pixels of the letters of contact sheets."""


@dataclass(frozen=True)
class Panel:
    """A colored grid (height, width, 3) below its caption, which may have several lines."""

    pixels: NDArray[np.uint8]
    caption: str = ""


def sheet(rows: Sequence[Sequence[Panel]], scale: int, size: int, title: str = "") -> NDArray[np.uint8]:
    """Panels as a table below a title: pixels (height, width, 3), ``scale`` per cell, with letters of ``size``."""
    pictures = [[_captioned(panel, scale, size) for panel in row] for row in rows]
    columns = range(max(map(len, pictures)))
    widths = [max(row[at].shape[1] for row in pictures if at < len(row)) for at in columns]
    lines = [_beside(row, widths) for row in pictures]
    return _stacked([_rgb(written(title, size + 2)), *lines] if title else lines, GAP)


def contact_sheet(rollouts: Sequence[NDArray[np.uint8]], frames: Sequence[int], names: Sequence[str]) -> bytes:
    """A PNG with the ``frames`` of colored ``rollouts`` (frames, height, width, 3), one in each column."""
    rows = [
        [
            Panel(p[frame], f"{name}\nframe {frame}" if row == 0 else f"frame {frame}")
            for p, name in _both(rollouts, names)
        ]
        for row, frame in enumerate(frames)
    ]
    return png(sheet(rows, SCALE, SMALL), 1)


def moving_sheet(rollouts: Sequence[NDArray[np.uint8]], frames: Sequence[int], names: Sequence[str]) -> bytes:
    """A GIF of the ``frames`` of colored ``rollouts`` side by side, ten frames per second."""
    rows = ([Panel(p[frame], f"{name}\nframe {frame}") for p, name in _both(rollouts, names)] for frame in frames)
    return gif((sheet([row], SCALE, SMALL) for row in rows), 1, milliseconds=100)


def _both(rollouts: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> zip[tuple[NDArray[np.uint8], str]]:
    return zip(rollouts, names, strict=True)


def _captioned(panel: Panel, scale: int, size: int) -> NDArray[np.uint8]:
    grid = enlarged(panel.pixels, scale)
    return _stacked([_rgb(written(panel.caption, size)), grid], 0) if panel.caption else grid


def _stacked(pictures: Sequence[NDArray[np.uint8]], gap: int) -> NDArray[np.uint8]:
    width = max(picture.shape[1] for picture in pictures)
    padded = [np.pad(p, ((0, gap), (0, width - p.shape[1]), (0, 0)), constant_values=255) for p in pictures]
    return np.concatenate(padded)[: -gap or None]


def _beside(pictures: Sequence[NDArray[np.uint8]], widths: Sequence[int]) -> NDArray[np.uint8]:
    """A row of pictures, each as wide as its column."""
    height = max(picture.shape[0] for picture in pictures)
    padded = [
        np.pad(p, ((0, height - p.shape[0]), (0, width - p.shape[1] + GAP), (0, 0)), constant_values=255)
        for p, width in zip(pictures, widths, strict=False)
    ]
    return np.concatenate(padded, axis=1)[:, :-GAP]


def _rgb(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return gray[..., None].repeat(3, axis=2)
