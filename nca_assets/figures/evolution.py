"""A rollout over its frames: the grid at chosen steps."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from nca_assets.figures.chart import new_axes, new_figure
from nca_assets.figures.examples import FEWEST_CELLS, example, show_grid, spread
from nca_assets.loading.source import Rollout
from nca_assets.settings import Settings

FRAMES = (0, 1, 2, 4, 8, 16, 32, 64, 100, 128, 256)


def data(settings: Settings) -> Rollout:
    """The first radiating rollout on a grid of some size that is wider than high."""
    return example(settings, f"height * width > {FEWEST_CELLS}", "width > height", "behavior = 'radiating'")


def draw(rollout: Rollout) -> Figure:
    """The grid at each of ``FRAMES`` and at the last."""
    tokens = np.asarray(rollout.tokens)
    frames, height, width = tokens.shape
    chosen = spread(frames, FRAMES)
    columns = 4
    rows = -(-len(chosen) // columns)
    figure = new_figure(height=0.5 + rows * (0.3 + 8 / columns * height / width))
    panels = new_axes(figure, rows, columns)
    for axes, frame in zip(panels, chosen, strict=False):
        show_grid(axes, tokens[frame], f"t = {frame}")
    for axes in panels[len(chosen) :]:
        axes.set_axis_off()
    figure.suptitle(f"{rollout.id}, {rollout.labels['behavior']}, {height} x {width} cells", fontsize=10)
    return figure
