"""Typical rollouts of each behavior class: how they end, and their middle row over the last frames."""

from __future__ import annotations

from itertools import groupby

from matplotlib.figure import Figure

from nca_assets.figures.chart import CLASS_COLORS, new_axes, new_figure
from nca_assets.figures.examples import Example, show_grid, typical
from nca_assets.labels.behavior import CLASSES
from nca_assets.settings import Settings

EACH = 4
STEPS = 48
"""Frames of the strips that show a row over time."""


def data(settings: Settings) -> list[Example]:
    """Up to ``EACH`` typical rollouts of each class, class by class."""
    return sorted(typical(settings, EACH), key=lambda shown: (CLASSES.index(_class(shown)), shown.id))


def draw(shown: list[Example]) -> Figure:
    """A band a class; of each rollout its last frame and, beside it, its middle row, time running down."""
    bands = [(name, list(group)) for name, group in groupby(shown, key=_class)]
    figure = new_figure(height=0.1 + 1.28 * len(bands))
    panels = new_axes(figure, len(bands), 2 * EACH)
    for axes in panels:
        axes.set_axis_off()
    for row, (name, group) in enumerate(bands):
        for column, one in enumerate(group):
            last, strip = panels[2 * (EACH * row + column) : 2 * (EACH * row + column) + 2]
            show_grid(last, one.pixels[-1])
            last.set_anchor("NE")
            strip.imshow(one.pixels[-STEPS:, one.pixels.shape[1] // 2], interpolation="nearest", aspect="auto")
            period = one.labels["period"]
            text = f"{one.id}\n{one.labels['family'].replace('_', ' ')}" + (f", period {period}" if period else "")
            strip.text(-0.05, 1.06, text, transform=strip.transAxes, ha="center", fontsize=7, color="#444444")
        panels[2 * EACH * row].text(
            -0.1, 0.5, name, transform=panels[2 * EACH * row].transAxes, rotation=90, ha="right", va="center",
            fontsize=10, color=CLASS_COLORS[name], fontweight="bold",
        )  # fmt: skip
    return figure


def _class(shown: Example) -> str:
    return str(shown.labels["behavior"])
