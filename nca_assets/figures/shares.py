"""Distributions of rollouts over classes, grid sizes and numbers of tokens, and of cells over tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, answer, new_axes, new_figure
from nca_assets.figures.palette import colors_of, hexadecimal
from nca_assets.warehouse.sql_text import OWN_SETS

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure


def class_shares(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior``, ``rollouts`` and ``percent``, the most frequent class first."""
    query = f"""
        SELECT behavior, count(*) AS rollouts, 100 * count(*) / sum(count(*)) OVER () AS percent
        FROM labels WHERE {OWN_SETS} GROUP BY behavior ORDER BY rollouts DESC, behavior
    """  # noqa: S608
    return answer(query, data)


def behavior_donut(data: DataFolder) -> Figure:
    """A ring chart of the classes with their shares."""
    shares = class_shares(data)
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


def grids(data: DataFolder) -> pl.DataFrame:
    """Columns ``height``, ``width``, ``cells`` and ``rollouts``: the number of rollouts per grid size."""
    query = f"""
        SELECT height, width, cells, sum(rollouts)::BIGINT AS rollouts FROM geometry
        WHERE {OWN_SETS} GROUP BY ALL ORDER BY ALL
    """  # noqa: S608
    return answer(query, data)


def geometry(data: DataFolder) -> Figure:
    """Four histograms, in percent of the rollouts."""
    height, width, cells, rollouts = (column.to_numpy() for column in grids(data))
    panels = (
        (height, np.arange(8, 50, 2), "height, cells"),
        (width, np.arange(8, 50, 2), "width, cells"),
        (np.log2(width / height), np.linspace(-2.6, 2.6, 27), "width over height"),
        (cells, np.arange(0, 2401, 100), f"tokens per frame (mean {np.average(cells, weights=rollouts):,.1f})"),
    )
    figure = new_figure(height=4.4)
    for axes, (values, bins, label) in zip(new_axes(figure, 2, 2), panels, strict=True):
        weights = 100 * rollouts / rollouts.sum()
        axes.hist(values, bins=bins.tolist(), weights=weights, color="#0072B2", edgecolor="white")
        axes.set(xlabel=label, ylabel="rollouts, %")
        if label == "width over height":
            axes.set_xticks([-2, -1, 0, 1, 2], ["1 : 4", "1 : 2", "1 : 1", "2 : 1", "4 : 1"])
    return figure


def token_shares(data: DataFolder) -> pl.DataFrame:
    """Columns ``token`` and ``percent``, the most frequent first."""
    query = f"""
        SELECT token, (100 * sum("count") / sum(sum("count")) OVER ())::DOUBLE AS percent FROM token_frequency
        WHERE {OWN_SETS} GROUP BY token ORDER BY percent DESC, token
    """  # noqa: S608
    return answer(query, data)


def token_frequency(data: DataFolder) -> Figure:
    """A bar per token in its own color, and a line at equal frequency."""
    shares, colors = token_shares(data), hexadecimal(colors_of("set1", data))
    figure = new_figure(height=3.2)
    [axes] = new_axes(figure)
    axes.bar(
        range(len(shares)), shares["percent"].to_list(), color=[colors[token] for token in shares["token"]], width=0.85,
        edgecolor="#666666", linewidth=0.5,
    )  # fmt: skip
    axes.axhline(100 / TOKENS, color="#444444", linestyle=":", label=f"all alike: {100 / TOKENS:.3g} %")
    axes.set_xticks(range(len(shares)), [str(token) for token in shares["token"]], fontsize=8)
    axes.set(xlim=(-0.7, len(shares) - 0.3), xlabel="token", ylabel="of all tokens, %")
    axes.legend(loc="upper right")
    return figure


def token_counts(data: DataFolder) -> pl.DataFrame:
    """Columns ``tokens_used`` (1 to 32) and ``rollouts``."""
    query = f"SELECT tokens_used, count(*) AS rollouts FROM labels WHERE {OWN_SETS} GROUP BY ALL ORDER BY ALL"  # noqa: S608
    return answer(query, data)


def tokens_used(data: DataFolder) -> Figure:
    """A bar per number of tokens."""
    counts = token_counts(data)
    figure = new_figure(height=2.8)
    [axes] = new_axes(figure)
    percent = (100 * counts["rollouts"] / counts["rollouts"].sum()).to_list()
    axes.bar(counts["tokens_used"].to_list(), percent, color="#009E73", width=0.85)
    axes.set(xlim=(0.3, TOKENS + 0.7), xlabel=f"tokens that occur in a rollout, of {TOKENS}", ylabel="rollouts, %")
    axes.set_xticks(range(1, TOKENS + 1))
    return figure
