"""Entropy, novelty and cumulative difference over the frames, by class and over all."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, new_axes, new_figure
from nca_assets.labels.behavior import CLASSES
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.read import OWN_SETS

ALL = "all"

CURVES = {
    "entropy": ("token entropy of\nthe frame, bits", 1),
    "novelty": ("novelty: changed since\nthe frame before, %", 100),
    "difference": ("cumulative difference:\nunlike frame 0, %", 100),
}
"""What each is called, and in how many units it is drawn."""


def data(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior`` (or ``all``), ``frame`` and the means over rollouts of ``CURVES``."""
    means = ", ".join(f"sum({name} * rollouts) / sum(rollouts) AS {name}" for name in CURVES)
    query = f"""
        SELECT coalesce(behavior, '{ALL}') AS behavior, frame, {means} FROM frame_curves
        WHERE {OWN_SETS} GROUP BY GROUPING SETS ((behavior, frame), (frame)) ORDER BY ALL
    """  # noqa: S608
    return whole_table(query, data)


def draw(curves: pl.DataFrame) -> Figure:
    """Three panels one below the other; frames on a scale that shows the first ones."""
    figure = new_figure(height=6.2)
    panels = new_axes(figure, 3, 1, sharex=True)
    for axes, (name, (label, unit)) in zip(panels, CURVES.items(), strict=True):
        for behavior in [ALL, *CLASSES]:
            # Nothing has changed before the first frame.
            group = curves.filter(pl.col("behavior") == behavior, pl.col("frame") >= (name != "entropy"))
            if len(group):
                frames, values = smoothed(group["frame"].to_numpy(), group[name].to_numpy())
                axes.plot(frames, unit * values, label=behavior, **_line(behavior))
        axes.set_ylabel(label)
        axes.set_xscale("symlog", linthresh=16, linscale=1)
        axes.grid(alpha=0.25)
        if unit == 100:
            axes.set_ylim(0, 103)
    last = int(curves["frame"].max())  # type: ignore[arg-type]
    ticks = [tick for tick in (0, 4, 8, 16, 32, 64, 128, 256) if tick < last]
    panels[-1].set_xticks([*ticks, last], [str(tick) for tick in [*ticks, last]], minor=False)
    panels[-1].set_xlim(0, last)
    panels[-1].minorticks_off()
    panels[-1].set_xlabel("frame")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper")
    return figure


def smoothed(
    frames: NDArray[np.integer], values: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of frames and values over sixths of an octave, the first frames by themselves: beats would hide trends."""
    _, places = np.unique(np.log2(frames + 1) * 6 // 1, return_inverse=True)
    each = np.bincount(places)
    return np.bincount(places, frames) / each, np.bincount(places, values) / each


def _line(behavior: str) -> dict[str, Any]:
    if behavior == ALL:
        return {"color": "#000000", "linewidth": 2.2, "zorder": 3}
    return {"color": CLASS_COLORS[behavior], "linewidth": 1.2}
