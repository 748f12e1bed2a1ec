"""Some rollouts of each behavior class: how they end, and their middle row over the last frames."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from matplotlib.figure import Figure

from nca_assets.figures.chart import CLASS_COLOURS, new_axes, new_figure
from nca_assets.figures.examples import show_grid
from nca_assets.labels.behavior import CLASSES
from nca_assets.loading.source import Rollout, RolloutSource
from nca_assets.naming import SETS
from nca_assets.settings import Settings
from nca_assets.warehouse.collections import Sampling
from nca_assets.warehouse.read import is_any_of

EACH = 5
STEPS = 48
"""Frames of the strips that show a row over time."""


def data(settings: Settings) -> list[Rollout]:
    """Up to ``EACH`` rollouts of each class, class by class."""
    source = RolloutSource.where(is_any_of(SETS), settings, sampling=Sampling(each=EACH))
    return sorted(source, key=lambda rollout: (CLASSES.index(rollout.labels["behavior"]), rollout.id))


def draw(rollouts: list[Rollout]) -> Figure:
    """A band a class; of each rollout its last frame and, below, its middle row, time running down."""
    bands = [(name, list(group)) for name, group in groupby(rollouts, key=lambda r: str(r.labels["behavior"]))]
    figure = new_figure(height=0.3 + 1.55 * len(bands))
    panels = new_axes(figure, len(bands), 2 * EACH)
    for axes in panels:
        axes.set_axis_off()
    for row, (name, group) in enumerate(bands):
        for column, rollout in enumerate(group):
            last, strip = panels[2 * (EACH * row + column) : 2 * (EACH * row + column) + 2]
            tokens = np.asarray(rollout.tokens)
            show_grid(last, tokens[-1], f"{rollout.id}")
            show_grid(strip, tokens[-STEPS:, tokens.shape[1] // 2])
            period = rollout.labels["period"]
            strip.set_title(f"period {period}" if period else "time ↓", fontsize=8, color="#555555")
            last.title.set_fontsize(8)
        first = panels[2 * EACH * row]
        first.text(
            -0.15, 0.5, name, transform=first.transAxes, rotation=90, ha="right", va="center", fontsize=10,
            color=CLASS_COLOURS[name], fontweight="bold",
        )  # fmt: skip
    return figure
