"""Our statistics beside those of the original dataset's card, and the range that each is to lie in."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import new_axes, new_figure
from nca_assets.warehouse.answer import whole_table


def data(data: DataFolder) -> pl.DataFrame:
    """The rows of ``card_comparison`` that the card gives a number for, but for how much there is."""
    query = """
        SELECT statistic, unit, card, ours, target, within_target FROM card_comparison
        WHERE card IS NOT NULL AND unit <> 'count'
    """
    return whole_table(query, data)


def draw(statistics: pl.DataFrame) -> Figure:
    """Ours over the card's, on a scale of powers; the numbers themselves beside it."""
    figure = new_figure(height=0.9 + 0.32 * len(statistics))
    [axes] = new_axes(figure)
    colors = {True: "#009E73", False: "#D55E00", None: "#777777"}
    for place, (_, unit, card, ours, target, within) in enumerate(statistics.iter_rows()):
        share = max(ours / card, FLOOR)
        axes.plot([1, share], [place, place], color="#bbbbbb", linewidth=1, zorder=1)
        axes.plot(share, place, "o" if ours else "<", color=colors[within], markersize=7, zorder=2)
        text = f"{_number(ours)} / {_number(card)} {unit}" + (f"  (aim {target})" if target else "")
        axes.text(1.02, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.axvline(1, color="#222222", linewidth=1)
    axes.set_yticks(range(len(statistics)), statistics["statistic"].to_list())
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(FLOOR / 1.2, 2)
    axes.set_xticks([0.1, 0.2, 0.5, 1, 2], ["1/10", "1/5", "1/2", "1", "2"])
    axes.minorticks_off()
    axes.set_xlabel("ours over the card's (green: within the aim, orange: outside, gray: no aim)")
    axes.set_title("ours / the card's", x=1.02, loc="left", fontsize=9)
    axes.grid(axis="x", alpha=0.25)
    return figure


FLOOR = 0.03
"""Where shares are drawn that are smaller."""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
