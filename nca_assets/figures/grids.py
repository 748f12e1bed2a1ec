"""Rollouts as grids: one over its frames, the long-horizon task, and typical rollouts of each class."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, lettered, new_axes, new_figure
from nca_assets.figures.examples import LARGE, Example, example, typical
from nca_assets.labels.names import CLASSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRAMES = (0, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Frames shown of an evolving rollout, besides its last."""

EACH = 4
"""Rollouts per class in the gallery."""

STEPS = 48
"""Frames in the strips that show a row over time."""

SIDE, GAP, STRIP = 240, 10, 180
"""Side of the square that a frame is fitted into, the gap, and the strip's width, in pixels."""


def growing(data: DataFolder) -> Example:
    """The first colony (waves growing from a few cells) on a large grid, or else the first spirals."""
    wishes = ("family IN ('colonies', 'spirals')", "family = 'colonies'", "transient > 100", "height * width > 1000")
    return example(data, LARGE, *wishes)


def evolution(data: DataFolder) -> Figure:
    """The grid at each of ``FRAMES`` and at the last frame."""
    shown = growing(data)
    frames, height, width = shown.tokens.shape
    chosen = spread(frames, FRAMES)
    columns = 4 if width > height else 6
    rows = -(-len(chosen) // columns)
    figure = new_figure(height=0.35 + rows * (0.22 + 6.7 / columns * height / width))
    panels = new_axes(figure, rows, columns)
    for axes, frame in zip(panels, chosen, strict=False):
        show_grid(axes, shown.pixels[frame], f"t = {frame}")
    for axes in panels[len(chosen) :]:
        axes.set_axis_off()
    figure.suptitle(shown.title, fontsize=8.5)
    return figure


def task_example(data: DataFolder) -> Example:
    """The first test rollout with waves on a large grid."""
    return example(data, "by_rollout = 'test'", LARGE, "behavior IN ('radiating', 'streaming')")


def long_horizon(data: DataFolder) -> Figure:
    """Four frames of context, the target, and in black the cells that change from the last of them to the target."""
    from nca_assets.loading.streams import LONG_HORIZON

    shown = task_example(data)
    *context, target = LONG_HORIZON
    _, height, width = shown.tokens.shape
    figure = new_figure(height=0.75 + 6.7 / 6 * height / width)
    panels = new_axes(figure, 1, len(LONG_HORIZON) + 1)
    for axes, frame in zip(panels, LONG_HORIZON, strict=False):
        show_grid(axes, shown.pixels[frame], f"t = {frame}\n{'to predict' if frame == target else 'given'}")
    changed = shown.tokens[target] != shown.tokens[context[-1]]
    panels[-1].imshow(changed, cmap="gray_r", vmin=0, vmax=1)
    panels[-1].set_title(f"black: changed\nsince t = {context[-1]} ({changed.mean():.0%})")
    panels[-1].set_axis_off()
    for axes in panels:
        axes.title.set_fontsize(7.5)
    lettered(panels)
    figure.suptitle(shown.title, fontsize=8.5)
    return figure


def typical_by_class(data: DataFolder) -> list[Example]:
    """Up to ``EACH`` typical rollouts of each class, grouped by class."""
    return sorted(typical(data, EACH), key=lambda shown: (CLASSES.index(_class(shown)), shown.id))


def gallery(data: DataFolder) -> Figure:
    """A row per class; for each rollout the last frame and, beside it, the middle row over time, downward."""
    bands = [(name, list(group)) for name, group in groupby(typical_by_class(data), key=_class)]
    figure = new_figure(height=0.5 + 1.22 * len(bands))
    panels = new_axes(figure, len(bands), EACH)
    for axes in panels:
        axes.set_axis_off()
    for row, (name, group) in enumerate(bands):
        for axes, one in zip(panels[EACH * row :], group, strict=False):
            period = f", period {one.labels['period']}" if one.labels["period"] else ""
            show_grid(axes, framed(one.pixels), f"{one.id}\n{one.labels['family'].replace('_', ' ')}{period}")
            axes.title.set_fontsize(6.5)
        panels[EACH * row].text(
            -0.03, 0.5, name, transform=panels[EACH * row].transAxes, rotation=90, ha="right", va="center",
            fontsize=8.5, color=CLASS_COLORS[name], fontweight="bold",
        )  # fmt: skip
    figure.suptitle(
        f"Left: the last frame of a rollout. Right: its middle row over the last {STEPS} frames, time downward.",
        fontsize=8,
    )
    return figure


def framed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The last frame of a rollout in color (frames, height, width, 3), and its middle row over the last ``STEPS``."""
    from PIL import Image
    from PIL.Image import Resampling

    _, height, width, _ = pixels.shape
    scale = SIDE / max(height, width)
    sheet = Image.new("RGB", (SIDE + GAP + STRIP, SIDE), "white")
    last = Image.fromarray(pixels[-1]).resize((round(width * scale), round(height * scale)), Resampling.NEAREST)
    sheet.paste(last, (SIDE - last.width, (SIDE - last.height) // 2))
    strip = Image.fromarray(np.ascontiguousarray(pixels[-STEPS:, height // 2]))
    sheet.paste(strip.resize((STRIP, SIDE), Resampling.NEAREST), (SIDE + GAP, 0))
    return np.asarray(sheet)


def show_grid(axes: Axes, pixels: NDArray[np.uint8], title: str = "") -> None:
    """Draw a colored frame (height, width, 3) without axes."""
    axes.imshow(pixels)
    axes.set_title(title)
    axes.set_axis_off()


def spread(frames: int, wanted: Sequence[int]) -> list[int]:
    """The ``wanted`` frames that a rollout of ``frames`` frames has, and its last."""
    return [*(frame for frame in wanted if frame < frames - 1), frames - 1]


def _class(shown: Example) -> str:
    return str(shown.labels["behavior"])
