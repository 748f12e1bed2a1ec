"""Typical rollouts of each behavior class: how they end, and their middle row over the last frames."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, new_axes, new_figure
from nca_assets.figures.examples import Example, show_grid, typical
from nca_assets.labels.behavior import CLASSES

EACH = 4
STEPS = 48
"""Frames of the strips that show a row over time."""

SIDE, GAP, STRIP = 240, 10, 180
"""Pixels: the square that a frame is fitted into, what is left free, and the strip's width."""


def data(data: DataFolder) -> list[Example]:
    """Up to ``EACH`` typical rollouts of each class, class by class."""
    return sorted(typical(data, EACH), key=lambda shown: (CLASSES.index(_class(shown)), shown.id))


def draw(shown: list[Example]) -> Figure:
    """A band a class; of each rollout its last frame and, beside it, its middle row, time running down."""
    bands = [(name, list(group)) for name, group in groupby(shown, key=_class)]
    figure = new_figure(height=0.1 + 1.4 * len(bands))
    panels = new_axes(figure, len(bands), EACH)
    for axes in panels:
        axes.set_axis_off()
    for row, (name, group) in enumerate(bands):
        for axes, one in zip(panels[EACH * row :], group, strict=False):
            period = f", period {one.labels['period']}" if one.labels["period"] else ""
            show_grid(axes, framed(one.pixels), f"{one.id}\n{one.labels['family'].replace('_', ' ')}{period}")
            axes.title.set_fontsize(7)
        panels[EACH * row].text(
            -0.03, 0.5, name, transform=panels[EACH * row].transAxes, rotation=90, ha="right", va="center",
            fontsize=10, color=CLASS_COLORS[name], fontweight="bold",
        )  # fmt: skip
    return figure


def framed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The last frame of a rollout in color (frames, height, width, 3), and its middle row over the last ``STEPS``."""
    _, height, width, _ = pixels.shape
    scale = SIDE / max(height, width)
    sheet = Image.new("RGB", (SIDE + GAP + STRIP, SIDE), "white")
    last = Image.fromarray(pixels[-1]).resize((round(width * scale), round(height * scale)), Resampling.NEAREST)
    sheet.paste(last, (SIDE - last.width, (SIDE - last.height) // 2))
    strip = Image.fromarray(np.ascontiguousarray(pixels[-STEPS:, height // 2]))
    sheet.paste(strip.resize((STRIP, SIDE), Resampling.NEAREST), (SIDE + GAP, 0))
    return np.asarray(sheet)


def _class(shown: Example) -> str:
    return str(shown.labels["behavior"])
