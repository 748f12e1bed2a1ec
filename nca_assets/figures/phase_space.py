"""Volatility against the tokens' entropy, both late in a rollout: one point a rollout, colored by class."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, new_axes, new_figure
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.read import OWN_SETS

MOST_POINTS = 5000


def data(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior``, ``volatility`` (0 to 1) and ``tail_entropy`` (bits) of some rollouts, at random."""
    query = f"""
        SELECT behavior, volatility, tail_entropy FROM phase_space
        WHERE {OWN_SETS} ORDER BY md5(rollout_id) LIMIT {MOST_POINTS}
    """  # noqa: S608
    return whole_table(query, data)


def draw(points: pl.DataFrame) -> Figure:
    """The points; rare classes lie above frequent ones."""
    figure = new_figure(height=4.6)
    [axes] = new_axes(figure)
    size = 26 if len(points) < 1000 else 8
    groups = {str(name): group for (name,), group in points.group_by("behavior")}
    for behavior in sorted(groups, key=lambda name: (-len(groups[name]), name)):
        group = groups[behavior]
        axes.scatter(
            group["tail_entropy"].to_numpy(), 100 * group["volatility"].to_numpy(), s=size, alpha=0.75, linewidths=0,
            color=CLASS_COLORS[behavior], label=f"{behavior} ({len(group):,})",
        )  # fmt: skip
    axes.set_xlabel("entropy of a frame's tokens, bits (5 if all 32 are equally frequent)")
    axes.set_ylabel("volatility: cells that change in a step, %")
    axes.grid(alpha=0.25)
    figure.legend(loc="outside right upper", markerscale=1.5)
    return figure
