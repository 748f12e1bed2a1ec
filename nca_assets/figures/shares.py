"""Distributions of rollouts over classes, grid sizes and numbers of tokens, and of cells over tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.automaton.shape import SHAPE_BLOCK
from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, answer, lettered, new_axes, new_figure, share_interval
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
    """A ring chart of the classes, and their shares with 95 % intervals on a logarithmic scale."""
    shares = class_shares(data)
    names, counts = shares["behavior"].to_list(), shares["rollouts"].to_numpy()
    colors = [CLASS_COLORS[name] for name in names]
    figure = new_figure(height=2.9)
    ring, bars = new_axes(figure, 1, 2)
    ring.pie(
        counts, colors=colors, startangle=90, counterclock=False, wedgeprops={"width": 0.38, "edgecolor": "white"},
        labels=[name if count > 0.04 * counts.sum() else "" for name, count in zip(names, counts, strict=True)],
        labeldistance=1.06, textprops={"fontsize": 7},
    )  # fmt: skip
    ring.text(0, 0, f"n = {counts.sum():,}\nrollouts", ha="center", va="center", fontsize=9)
    percent = 100 * counts / counts.sum()
    bars.errorbar(percent, range(len(names)), xerr=share_interval(counts), fmt="none", ecolor="#222222", elinewidth=1)
    bars.scatter(percent, range(len(names)), s=28, color=colors, zorder=3)
    for place, (share, count) in enumerate(zip(percent, counts, strict=True)):
        text = f"{share:.2f} %  ({count:,})"
        bars.text(1.02, place, text, transform=bars.get_yaxis_transform(), va="center", fontsize=7)
    bars.set_xscale("log")
    bars.set_yticks(range(len(names)), names)
    bars.invert_yaxis()
    bars.xaxis.set_major_formatter("{x:g}")
    bars.grid(axis="x", alpha=0.25)
    bars.set_xlabel("rollouts, % (logarithmic; 95 % intervals)")
    lettered([ring, bars])
    return figure


def grids(data: DataFolder) -> pl.DataFrame:
    """Columns ``height``, ``width``, ``cells`` and ``rollouts``: the number of rollouts per grid size."""
    query = f"""
        SELECT height, width, cells, sum(rollouts)::BIGINT AS rollouts FROM geometry
        WHERE {OWN_SETS} GROUP BY ALL ORDER BY ALL
    """  # noqa: S608
    return answer(query, data)


def independent_sizes(data: DataFolder) -> int:
    """The number of grid sizes that were drawn, each for a block of consecutive rollouts."""
    query = f"SELECT count(DISTINCT (set_name, rollout_index // {SHAPE_BLOCK})) FROM labels WHERE {OWN_SETS}"  # noqa: S608
    return answer(query, data).item()


def geometry(data: DataFolder) -> Figure:
    """Four histograms, in percent of the rollouts."""
    height, width, cells, rollouts = (column.to_numpy() for column in grids(data))
    weights, sizes = 100 * rollouts / rollouts.sum(), independent_sizes(data)
    panels = (
        (height, np.arange(7.5, 50, 6), "height, cells"),
        (width, np.arange(7.5, 50, 6), "width, cells"),
        # The bin in the middle has 1 : 1 in its own middle.
        (np.log2(width / height), np.linspace(-2.55, 2.55, 18), "width : height"),
        (cells, np.arange(0, 2401, 200), f"cells of a grid (mean {np.average(cells, weights=rollouts):,.1f})"),
    )
    figure = new_figure(height=4.2)
    axes_of = new_axes(figure, 2, 2)
    for axes, (values, bins, label) in zip(axes_of, panels, strict=True):
        axes.hist(values, bins=bins.tolist(), weights=weights, color="#0072B2", edgecolor="white")
        axes.set(xlabel=label, ylabel="rollouts, %")
        if label == "width : height":
            axes.set_xticks([-2, -1, 0, 1, 2], ["1 : 4", "1 : 2", "1 : 1", "2 : 1", "4 : 1"])
    lettered(axes_of)
    shared = f"{SHAPE_BLOCK} consecutive rollouts share one"
    figure.suptitle(f"n = {rollouts.sum():,} rollouts, of {sizes:,} independently drawn sizes: {shared}", fontsize=8)
    return figure


def token_shares(data: DataFolder) -> pl.DataFrame:
    """Columns ``token``, its ``count`` and ``percent``, the most frequent first."""
    query = f"""
        SELECT
            token, sum("count")::BIGINT AS "count", (100 * sum("count") / sum(sum("count")) OVER ())::DOUBLE AS percent
        FROM token_frequency WHERE {OWN_SETS} GROUP BY token ORDER BY percent DESC, token
    """  # noqa: S608
    return answer(query, data)


def token_frequency(data: DataFolder) -> Figure:
    """A bar per token in its own color, and a line at equal frequency; the same on a logarithmic scale below."""
    shares, colors = token_shares(data), hexadecimal(colors_of("set1", data))
    figure = new_figure(height=4.0)
    panels = new_axes(figure, 2, 1, sharex=True)
    for axes in panels:
        axes.bar(
            range(len(shares)), shares["percent"].to_list(), color=[colors[token] for token in shares["token"]],
            width=0.85, edgecolor="#666666", linewidth=0.5,
        )  # fmt: skip
        axes.axhline(100 / TOKENS, color="#444444", linestyle=":", label=f"equally frequent: {100 / TOKENS:.3g} %")
        axes.set(xlim=(-0.7, len(shares) - 0.3))
    panels[1].set_yscale("log")
    panels[1].yaxis.set_major_formatter("{x:g}")
    panels[1].set_xticks(range(len(shares)), [str(token) for token in shares["token"]])
    panels[0].set_ylabel("of all tokens, %")
    tokens = f"token, in its own color (n = {shares['count'].sum():,} tokens)"
    panels[1].set(xlabel=tokens, ylabel="the same, logarithmic")
    panels[0].legend(loc="upper right")
    lettered(panels)
    return figure


def token_counts(data: DataFolder) -> pl.DataFrame:
    """Columns ``tokens_used`` (1 to 32) and ``rollouts``."""
    query = f"SELECT tokens_used, count(*) AS rollouts FROM labels WHERE {OWN_SETS} GROUP BY ALL ORDER BY ALL"  # noqa: S608
    return answer(query, data)


def tokens_used(data: DataFolder) -> Figure:
    """A bar per number of tokens, with 95 % intervals."""
    counts = token_counts(data)
    used, rollouts = counts["tokens_used"].to_list(), counts["rollouts"].to_numpy()
    figure = new_figure(height=2.5)
    [axes] = new_axes(figure)
    percent, error = 100 * rollouts / rollouts.sum(), share_interval(rollouts)
    axes.bar(used, percent, color="#009E73", width=0.85)
    axes.errorbar(used, percent, yerr=error, fmt="none", ecolor="#222222", elinewidth=0.8, capsize=1.5)
    axes.set(
        xlim=(0.3, TOKENS + 0.7), ylabel="rollouts, %",
        xlabel=f"tokens that occur in a rollout, of {TOKENS} (n = {rollouts.sum():,} rollouts; 95 % intervals)",
    )  # fmt: skip
    axes.set_xticks(range(1, TOKENS + 1))
    return figure
