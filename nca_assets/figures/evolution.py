"""A rollout over its frames: the grid at chosen steps."""

from __future__ import annotations

from matplotlib.figure import Figure

from nca_assets.figures.chart import new_axes, new_figure
from nca_assets.figures.examples import LARGE, Example, example, show_grid, spread
from nca_assets.settings import Settings

FRAMES = (0, 4, 8, 16, 24, 32, 48, 64, 96, 128, 256)


def data(settings: Settings) -> Example:
    """The first colony of waves on a large grid: it grows out of a few cells. Without one, other waves."""
    return example(
        settings, LARGE, "behavior = 'radiating'", "family IN ('colonies', 'spirals')", "family = 'colonies'"
    )


def draw(shown: Example) -> Figure:
    """The grid at each of ``FRAMES`` and at the last."""
    frames, height, width = shown.tokens.shape
    chosen = spread(frames, FRAMES)
    columns = 4
    rows = -(-len(chosen) // columns)
    figure = new_figure(height=0.35 + rows * (0.25 + 7.7 / columns * height / width))
    panels = new_axes(figure, rows, columns)
    for axes, frame in zip(panels, chosen, strict=False):
        show_grid(axes, shown.pixels[frame], f"t = {frame}")
    for axes in panels[len(chosen) :]:
        axes.set_axis_off()
    figure.suptitle(shown.title, fontsize=10)
    return figure
