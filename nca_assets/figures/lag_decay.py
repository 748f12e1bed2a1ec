"""How like an earlier frame a rollout still is after a lag: from the start, and once it has settled."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, new_axes, new_figure
from nca_assets.labels.behavior import CLASSES
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.read import OWN_SETS

ALL = "all"


def data(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior`` (or ``all``), ``start``, ``lag`` in frames, and the mean ``similarity`` (0 to 1)."""
    query = f"""
        SELECT coalesce(behavior, '{ALL}') AS behavior, "start", lag, avg(similarity) AS similarity FROM lag_similarity
        WHERE {OWN_SETS} AND similarity IS NOT NULL
        GROUP BY GROUPING SETS ((behavior, "start", lag), ("start", lag)) ORDER BY ALL
    """  # noqa: S608
    return whole_table(query, data)


def draw(decays: pl.DataFrame) -> Figure:
    """A panel for each start, a line for each class."""
    figure = new_figure(height=3.6)
    starts = sorted(set(decays["start"]))
    panels = new_axes(figure, 1, len(starts), sharey=True)
    for axes, start in zip(panels, starts, strict=True):
        for behavior in [ALL, *CLASSES]:
            group, whole = decays.filter(start=start, behavior=behavior), behavior == ALL
            if group.is_empty():
                continue
            axes.plot(
                group["lag"].to_numpy(), 100 * group["similarity"].to_numpy(), marker="o", markersize=3,
                color="#000000" if whole else CLASS_COLORS[behavior], linewidth=2.2 if whole else 1.2,
                label=behavior, zorder=3 if whole else 2,
            )  # fmt: skip
        lags = sorted(set(decays["lag"]))
        axes.set_xscale("log", base=2)
        axes.set_xticks(lags, [str(lag) for lag in lags])
        axes.set_xlabel("lag, frames")
        axes.set_title(f"from frame {start}")
        axes.set_ylim(0, 103)
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("cells with the same token, %")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper")
    return figure
