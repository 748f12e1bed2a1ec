"""Curves over frames and lags: means over all rollouts and over those of each class, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import (
    CLASS_COLORS,
    CLASS_LINES,
    CLASS_MARKERS,
    SURE,
    answer,
    lettered,
    new_axes,
    new_figure,
)
from nca_assets.ids import ShardKey
from nca_assets.labels.names import CLASSES
from nca_assets.warehouse.sql_text import OWN_SETS

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALL = "all"

HALVES = (CLASSES[:6], CLASSES[6:])
"""Classes that share a column of panels."""

CURVES = {
    "entropy": ("token entropy of\nthe frame, bits", 1),
    "novelty": ("novelty: changed since\nthe frame before, %", 100),
    "difference": ("cumulative difference:\nunlike frame 0, %", 100),
}
"""Axis label and scale factor of each curve."""

ENOUGH = 10
"""Rollouts from which on an interval is shown, since it takes their mean for normally distributed."""

INTERVALS = f"Means over n rollouts, with 95 % intervals from n = {ENOUGH} on"

MAX_PARTS = 32
"""Curve parts from which the scatter of the rollouts is estimated."""


def means_by_frame(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior`` (or ``all``), ``frame``, ``rollouts``, and the means over these of ``CURVES``."""
    means = ", ".join(f"sum({name} * rollouts) / sum(rollouts) AS {name}" for name in CURVES)
    query = f"""
        SELECT coalesce(behavior, '{ALL}') AS behavior, frame, sum(rollouts)::BIGINT AS rollouts, {means}
        FROM frame_curves WHERE {OWN_SETS} GROUP BY GROUPING SETS ((behavior, frame), (frame)) ORDER BY ALL
    """  # noqa: S608
    return answer(query, data)


def scatter_by_frame(data: DataFolder) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Standard deviation over rollouts of each of ``CURVES`` at each frame, by class; of the rollouts of up to
    ``MAX_PARTS`` evenly spaced curve parts, if they are kept. NaN for a single rollout."""
    import polars as pl

    from nca_assets.store.store import local_copy

    parts = answer(f"SELECT set_name, shard FROM label_parts WHERE {OWN_SETS} ORDER BY ALL", data).rows()  # noqa: S608
    some = (data.curves_file(ShardKey(*part)) for part in parts[:: -(-len(parts) // MAX_PARTS)])
    files = [file for file in some if file.exists()]
    if not files:  # not kept
        return {}
    columns = ["rollout_id", "cells", "entropy", "changed", "differing"]
    read = pl.concat([pl.read_parquet(local_copy(f), columns=columns, hive_partitioning=False) for f in files])
    read = read.join(answer("SELECT rollout_id, behavior FROM labels", data), on="rollout_id")
    frames = min(map(len, read["entropy"]))
    found = {}
    for (behavior,), group in read.group_by("behavior"):
        cells = group["cells"].to_numpy()[:, None]
        entropy, changed, differing = (
            np.stack(group[name].list.head(frames).to_list()).astype(float) for name in columns[2:]
        )
        each = {"entropy": entropy / 4096, "novelty": changed / cells, "difference": differing / cells}
        found[str(behavior)] = {
            name: values.std(axis=0, ddof=1) if len(values) > 1 else np.full(frames, np.nan)
            for name, values in each.items()
        }
    return found


def frame_curves(data: DataFolder) -> Figure:
    """A row of panels for each curve, with half of the classes in each column."""
    curves, scatter = means_by_frame(data), scatter_by_frame(data)
    last = int(curves["frame"].max())  # type: ignore[arg-type]
    ticks = [tick for tick in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256) if tick < 0.8 * last]
    figure = new_figure(height=6.4)
    panels = new_axes(figure, len(CURVES), 2, sharex=True, sharey="row")
    for number, axes in enumerate(panels):
        name, half = list(CURVES)[number // 2], HALVES[number % 2]
        label, unit = CURVES[name]
        for behavior, means, style in class_lines(curves, half):
            # Nothing has changed before the first frame.
            means = means if name == "entropy" else means[1:]
            numbers = means["frame"].to_numpy()
            frames, values = smoothed(numbers, means[name].to_numpy())
            axes.plot(frames, unit * values, **style)
            if behavior in scatter and means["rollouts"].max() >= ENOUGH:  # type: ignore[operator]
                deviations = scatter[behavior][name]
                errors = deviations[numbers.clip(0, len(deviations) - 1)] / np.sqrt(means["rollouts"].to_numpy())
                _, half_width = smoothed(numbers, SURE * errors)
                low, high = unit * (values - half_width), unit * (values + half_width)
                axes.fill_between(frames, low, high, color=style["color"], alpha=0.15, linewidth=0)
        axes.set_xscale("function", functions=(lambda x: np.log2(1 + x.clip(0)), lambda y: 2**y - 1))
        axes.grid(alpha=0.25)
        axes.set_xlim(0, last)
        axes.set_xticks([*ticks, last], [str(tick) for tick in [*ticks, last]], minor=False)
        if unit == 100:
            axes.set_ylim(0, 103)
        if number % 2 == 0:
            axes.set_ylabel(label)
        if number < 2:
            _class_legend(axes)
    panels[0].set_ylim(bottom=0)  # once both panels of the row are drawn, which share their scale
    for axes in panels[-2:]:
        axes.set_xlabel("frame, logarithmic: log(1 + frame)")
    lettered(panels)
    figure.suptitle(INTERVALS, fontsize=8)
    return figure


def means_by_lag(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior`` (or ``all``), ``start``, ``lag`` in frames, the number of ``rollouts``, their mean
    ``similarity`` (0 to 1), and its standard ``error``, null for a single rollout."""
    query = f"""
        SELECT
            coalesce(behavior, '{ALL}') AS behavior, "start", lag, count(*) AS rollouts, avg(similarity) AS similarity,
            stddev_samp(similarity) / sqrt(count(*)) AS error
        FROM lag_similarity WHERE {OWN_SETS} AND similarity IS NOT NULL
        GROUP BY GROUPING SETS ((behavior, "start", lag), ("start", lag)) ORDER BY ALL
    """  # noqa: S608
    return answer(query, data)


def lag_decay(data: DataFolder) -> Figure:
    """A row of panels per start frame: similarity to it by lag, with half of the classes in each column."""
    decays = means_by_lag(data)
    starts, lags = sorted(set(decays["start"])), sorted(set(decays["lag"]))
    figure = new_figure(height=1.2 + 2.4 * len(starts))
    panels = new_axes(figure, len(starts), 2, sharex=True, sharey=True)
    for number, axes in enumerate(panels):
        start, half = starts[number // 2], HALVES[number % 2]
        for behavior, means, style in class_lines(decays.filter(start=start), half):
            beside = 1 + 0.04 * (half.index(behavior) - 2.5) if behavior in half else 1  # lest intervals hide others
            enough = (means["rollouts"] >= ENOUGH).to_numpy()
            error = np.where(enough, means["error"].fill_null(float("nan")).to_numpy(), np.nan)
            axes.errorbar(
                beside * means["lag"].to_numpy(), 100 * means["similarity"].to_numpy(),
                yerr=100 * SURE * error,
                marker=CLASS_MARKERS.get(behavior, ""), markersize=3.5, elinewidth=0.8, **style,
            )  # fmt: skip
        axes.set_xscale("log", base=2)
        axes.set_xticks(lags, [str(lag) for lag in lags])
        axes.set(ylim=(0, 103))
        axes.grid(alpha=0.25)
        if number % 2 == 0:
            axes.set_ylabel(f"cells as at frame {start}, %")
        if number < 2:
            _class_legend(axes)
    for axes in panels[-2:]:
        axes.set_xlabel("lag, frames (logarithmic)")
    lettered(panels)
    figure.suptitle(INTERVALS, fontsize=8)
    return figure


def class_lines(
    means: pl.DataFrame, classes: tuple[str, ...] = CLASSES
) -> Iterator[tuple[str, pl.DataFrame, dict[str, Any]]]:
    """All rollouts, and each of ``classes`` that is present: its name, its rows, and its line style."""
    for behavior in (ALL, *classes):
        group = means.filter(behavior=behavior)
        if len(group):
            label = f"{behavior} (n = {group['rollouts'].max():,})"
            if behavior == ALL:
                yield behavior, group, {"label": label, "color": "#aaaaaa", "linewidth": 3, "zorder": 1}
            else:
                color, line = CLASS_COLORS[behavior], CLASS_LINES[behavior]
                yield (
                    behavior,
                    group,
                    {"label": label, "color": color, "linestyle": line, "linewidth": 1.2, "zorder": 2},
                )


def smoothed(
    frames: NDArray[np.integer], values: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of frames and values over sixths of an octave, single frames at first; otherwise beats hide trends."""
    _, places = np.unique(np.log2(frames + 1) * 6 // 1, return_inverse=True)
    each = np.bincount(places)
    return np.bincount(places, frames) / each, np.bincount(places, values) / each


def _class_legend(axes: Axes) -> None:
    """The names of a column's classes above its first panel."""
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.13), ncols=2, handlelength=4, borderaxespad=0)
