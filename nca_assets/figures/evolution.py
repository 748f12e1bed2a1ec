"""A rollout over its frames: the grid at chosen steps."""

from __future__ import annotations

from matplotlib.figure import Figure

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import new_axes, new_figure
from nca_assets.figures.examples import LARGE, Example, example, show_grid, spread

FRAMES = (0, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256)


def data(data: DataFolder) -> Example:
    """The first colony on a large grid, waves that grow out of a few cells; without one, spirals."""
    return example(
        data,
        LARGE,
        "family IN ('colonies', 'spirals')",
        "family = 'colonies'",
        "transient > 100",
        "height * width > 1000",
    )


def draw(shown: Example) -> Figure:
    """The grid at each of ``FRAMES`` and at the last."""
    frames, height, width = shown.tokens.shape
    chosen = spread(frames, FRAMES)
    columns = 4 if width > height else 6
    rows = -(-len(chosen) // columns)
    figure = new_figure(height=0.35 + rows * (0.25 + 7.7 / columns * height / width))
    panels = new_axes(figure, rows, columns)
    for axes, frame in zip(panels, chosen, strict=False):
        show_grid(axes, shown.pixels[frame], f"t = {frame}")
    for axes in panels[len(chosen) :]:
        axes.set_axis_off()
    figure.suptitle(shown.title, fontsize=10)
    return figure
