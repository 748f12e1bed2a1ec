"""How the rollouts divide into behavior classes, as a ring."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, new_axes, new_figure
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.read import OWN_SETS


def data(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior``, ``rollouts`` and ``percent``, the most frequent class first."""
    query = f"""
        SELECT behavior, count(*) AS rollouts, 100 * count(*) / sum(count(*)) OVER () AS percent
        FROM labels WHERE {OWN_SETS} GROUP BY behavior ORDER BY rollouts DESC, behavior
    """  # noqa: S608
    return whole_table(query, data)


def draw(shares: pl.DataFrame) -> Figure:
    """The ring, and each class with its share."""
    figure = new_figure(height=3.6, width=6.0)
    [axes] = new_axes(figure)
    ring, *_ = axes.pie(
        shares["rollouts"].to_list(), colors=[CLASS_COLORS[name] for name in shares["behavior"]], startangle=90,
        counterclock=False, wedgeprops={"width": 0.38, "edgecolor": "white"},
    )  # fmt: skip
    axes.text(0, 0, f"{shares['rollouts'].sum():,}\nrollouts", ha="center", va="center", fontsize=12)
    names = [f"{name}  {percent:.2f} %" for name, percent in shares.select("behavior", "percent").iter_rows()]
    figure.legend(ring, names, loc="outside right center", fontsize=10)
    return figure
