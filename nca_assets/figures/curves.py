"""Curves over frames and lags: one line for all rollouts and one per class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, answer, new_axes, new_figure
from nca_assets.warehouse.sql_text import OWN_SETS

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALL = "all"

CURVES = {
    "entropy": ("token entropy of\nthe frame, bits", 1),
    "novelty": ("novelty: changed since\nthe frame before, %", 100),
    "difference": ("cumulative difference:\nunlike frame 0, %", 100),
}
"""Axis label and scale factor of each curve."""


def means_by_frame(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior`` (or ``all``), ``frame`` and the means over rollouts of ``CURVES``."""
    means = ", ".join(f"sum({name} * rollouts) / sum(rollouts) AS {name}" for name in CURVES)
    query = f"""
        SELECT coalesce(behavior, '{ALL}') AS behavior, frame, {means} FROM frame_curves
        WHERE {OWN_SETS} GROUP BY GROUPING SETS ((behavior, frame), (frame)) ORDER BY ALL
    """  # noqa: S608
    return answer(query, data)


def frame_curves(data: DataFolder) -> Figure:
    """Three stacked panels, with frames on a scale that magnifies the first ones."""
    curves = means_by_frame(data)
    figure = new_figure(height=6.2)
    panels = new_axes(figure, 3, 1, sharex=True)
    for axes, (name, (label, unit)) in zip(panels, CURVES.items(), strict=True):
        for means, style in class_lines(curves):
            # Nothing has changed before the first frame.
            means = means if name == "entropy" else means[1:]
            frames, values = smoothed(means["frame"].to_numpy(), means[name].to_numpy())
            axes.plot(frames, unit * values, **style)
        axes.set_ylabel(label)
        axes.set_xscale("symlog", linthresh=16, linscale=1)
        axes.grid(alpha=0.25)
        if unit == 100:
            axes.set_ylim(0, 103)
    last = int(curves["frame"].max())  # type: ignore[arg-type]
    ticks = [tick for tick in (0, 4, 8, 16, 32, 64, 128, 256) if tick < last]
    panels[-1].set_xticks([*ticks, last], [str(tick) for tick in [*ticks, last]], minor=False)
    panels[-1].set(xlim=(0, last), xlabel="frame")
    panels[-1].minorticks_off()
    _class_legend(figure, panels[0])
    return figure


def means_by_lag(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior`` (or ``all``), ``start``, ``lag`` in frames, and the mean ``similarity`` (0 to 1)."""
    query = f"""
        SELECT coalesce(behavior, '{ALL}') AS behavior, "start", lag, avg(similarity) AS similarity FROM lag_similarity
        WHERE {OWN_SETS} AND similarity IS NOT NULL
        GROUP BY GROUPING SETS ((behavior, "start", lag), ("start", lag)) ORDER BY ALL
    """  # noqa: S608
    return answer(query, data)


def lag_decay(data: DataFolder) -> Figure:
    """A panel per start frame: similarity to it by lag."""
    decays = means_by_lag(data)
    figure = new_figure(height=3.6)
    starts, lags = sorted(set(decays["start"])), sorted(set(decays["lag"]))
    panels = new_axes(figure, 1, len(starts), sharey=True)
    for axes, start in zip(panels, starts, strict=True):
        for means, style in class_lines(decays.filter(start=start)):
            percent = 100 * means["similarity"].to_numpy()
            axes.plot(means["lag"].to_numpy(), percent, marker="o", markersize=3, **style)
        axes.set_xscale("log", base=2)
        axes.set_xticks(lags, [str(lag) for lag in lags])
        axes.set(xlabel="lag, frames", title=f"from frame {start}", ylim=(0, 103))
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("cells with the same token, %")
    _class_legend(figure, panels[0])
    return figure


def class_lines(means: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, dict[str, Any]]]:
    """The rows of all rollouts and of each class present, with their line style."""
    for behavior, color in {ALL: "#000000", **CLASS_COLORS}.items():
        group, whole = means.filter(behavior=behavior), behavior == ALL
        if len(group):
            width, order = (2.2, 3) if whole else (1.2, 2)
            yield group, {"label": behavior, "color": color, "linewidth": width, "zorder": order}


def smoothed(
    frames: NDArray[np.integer], values: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of frames and values over sixths of an octave, single frames at first; otherwise beats hide trends."""
    _, places = np.unique(np.log2(frames + 1) * 6 // 1, return_inverse=True)
    each = np.bincount(places)
    return np.bincount(places, frames) / each, np.bincount(places, values) / each


def _class_legend(figure: Figure, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper")
