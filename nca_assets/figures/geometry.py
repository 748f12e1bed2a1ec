"""The grids: heights, widths, shape ratios and tokens per frame."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import new_axes, new_figure
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.read import OWN_SETS


def data(data: DataFolder) -> pl.DataFrame:
    """Columns ``height``, ``width``, ``cells`` and ``rollouts``: how many there are of each grid."""
    query = f"""
        SELECT height, width, cells, sum(rollouts)::BIGINT AS rollouts FROM geometry
        WHERE {OWN_SETS} GROUP BY ALL ORDER BY ALL
    """  # noqa: S608
    return whole_table(query, data)


def draw(grids: pl.DataFrame) -> Figure:
    """Four histograms, in percent of the rollouts."""
    figure = new_figure(height=4.4)
    ratio = (grids["width"] / grids["height"]).to_numpy()
    cells, rollouts = grids["cells"].to_numpy(), grids["rollouts"].to_numpy()
    mean = np.average(cells, weights=rollouts)
    panels = (
        (grids["height"].to_numpy(), np.arange(8, 50, 2), "height, cells"),
        (grids["width"].to_numpy(), np.arange(8, 50, 2), "width, cells"),
        (np.log2(ratio), np.linspace(-2.6, 2.6, 27), "width over height"),
        (cells, np.arange(0, 2401, 100), f"tokens per frame (mean {mean:,.1f})"),
    )
    for axes, (values, bins, label) in zip(new_axes(figure, 2, 2), panels, strict=True):
        axes.hist(
            values, bins=bins.tolist(), weights=100 * rollouts / rollouts.sum(), color="#0072B2", edgecolor="white"
        )
        axes.set_xlabel(label)
        axes.set_ylabel("rollouts, %")
        if label == "width over height":
            axes.set_xticks([-2, -1, 0, 1, 2], ["1 : 4", "1 : 2", "1 : 1", "2 : 1", "4 : 1"])
    return figure
