"""The sparse long-horizon task on one rollout: the context, the target, and which cells change between."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from nca_assets.figures.chart import new_axes, new_figure
from nca_assets.figures.examples import FEWEST_CELLS, example, show_grid
from nca_assets.loading.source import Rollout
from nca_assets.loading.streams import LONG_HORIZON
from nca_assets.settings import Settings


def data(settings: Settings) -> Rollout:
    """The first rollout of the test split on a grid of some size."""
    return example(settings, f"height * width > {FEWEST_CELLS}", "by_rollout = 'test'")


def draw(rollout: Rollout) -> Figure:
    """Four frames of context, the target, and in black the cells that differ between the last two."""
    tokens = np.asarray(rollout.tokens)
    *context, target = LONG_HORIZON
    _, height, width = tokens.shape
    figure = new_figure(height=0.75 + 8 / 6 * height / width)
    panels = new_axes(figure, 1, len(LONG_HORIZON) + 1)
    for axes, frame in zip(panels, LONG_HORIZON, strict=False):
        show_grid(axes, tokens[frame], f"t = {frame}" if frame != target else f"predict t = {frame}")
    changed = tokens[target] != tokens[context[-1]]
    panels[-1].imshow(changed, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    panels[-1].set_title(f"{changed.mean():.0%} change", fontsize=9)
    panels[-1].set_xticks([])
    panels[-1].set_yticks([])
    figure.suptitle(f"{rollout.id}, {rollout.labels['behavior']}, {height} x {width} cells", fontsize=10)
    return figure
