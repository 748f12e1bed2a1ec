"""The sparse long-horizon task on one rollout: the context, the target, and which cells change between."""

from __future__ import annotations

from matplotlib.figure import Figure

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import new_axes, new_figure
from nca_assets.figures.examples import LARGE, Example, example, show_grid
from nca_assets.loading.streams import LONG_HORIZON


def data(data: DataFolder) -> Example:
    """The first rollout of the test split with waves on a large grid."""
    return example(data, "by_rollout = 'test'", LARGE, "behavior IN ('radiating', 'streaming')")


def draw(shown: Example) -> Figure:
    """Four frames of context, the target, and in black the cells that differ between the last two."""
    *context, target = LONG_HORIZON
    _, height, width = shown.tokens.shape
    figure = new_figure(height=0.6 + 7.7 / 6 * height / width)
    panels = new_axes(figure, 1, len(LONG_HORIZON) + 1)
    for axes, frame in zip(panels, LONG_HORIZON, strict=False):
        show_grid(axes, shown.pixels[frame], f"t = {frame}" if frame != target else f"predict t = {frame}")
    changed = shown.tokens[target] != shown.tokens[context[-1]]
    panels[-1].imshow(changed, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    panels[-1].set_title(f"{changed.mean():.0%} change", fontsize=9)
    panels[-1].set_axis_off()
    figure.suptitle(shown.title, fontsize=10)
    return figure
