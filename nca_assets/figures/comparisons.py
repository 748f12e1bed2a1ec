"""Comparisons: rollouts in phase space, our statistics beside the original card's, and models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, answer, drawn_as_png, new_axes, new_figure
from nca_assets.text import number
from nca_assets.warehouse.sql_text import OWN_SETS

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

MAX_POINTS = 5000

MIN_RATIO = 0.03
"""Lower limit for the drawn ratios of our statistics to the card's."""


def phase_points(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior``, ``volatility`` (0 to 1) and ``tail_entropy`` (bits) of a random sample of rollouts."""
    query = f"""
        SELECT behavior, volatility, tail_entropy FROM phase_space
        WHERE {OWN_SETS} ORDER BY md5(rollout_id) LIMIT {MAX_POINTS}
    """  # noqa: S608
    return answer(query, data)


def phase_space(data: DataFolder) -> Figure:
    """Volatility against the tokens' entropy, one point per rollout; rare classes are drawn over frequent ones."""
    points = phase_points(data)
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
    axes.set(
        xlabel="entropy of a frame's tokens, bits (5 if all 32 are equally frequent)",
        ylabel="volatility: cells that change in a step, %",
    )
    axes.grid(alpha=0.25)
    figure.legend(loc="outside right upper", markerscale=1.5)
    return figure


def card_statistics(data: DataFolder) -> pl.DataFrame:
    """Statistics with a value on the original card, except plain counts."""
    query = """
        SELECT statistic, unit, card, ours, target, within_target FROM card_comparison
        WHERE card IS NOT NULL AND unit <> 'count'
    """
    return answer(query, data)


def beside_the_card(data: DataFolder) -> Figure:
    """Ratios of our statistics to the card's on a logarithmic scale, with the numbers beside them."""
    statistics = card_statistics(data)
    figure = new_figure(height=0.9 + 0.32 * len(statistics))
    [axes] = new_axes(figure)
    colors = {True: "#009E73", False: "#D55E00", None: "#777777"}
    for place, (_, unit, card, ours, target, within) in enumerate(statistics.iter_rows()):
        ratio = max(ours / card, MIN_RATIO)
        axes.plot([1, ratio], [place, place], color="#bbbbbb", linewidth=1, zorder=1)
        axes.plot(ratio, place, "o" if ours else "<", color=colors[within], markersize=7, zorder=2)
        text = f"{number(ours)} / {number(card)} {unit}" + (f"  (aim {target})" if target else "")
        axes.text(1.02, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.axvline(1, color="#222222", linewidth=1)
    axes.set_yticks(range(len(statistics)), statistics["statistic"].to_list())
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(MIN_RATIO / 1.2, 2)
    axes.set_xticks([0.1, 0.2, 0.5, 1, 2], ["1/10", "1/5", "1/2", "1", "2"])
    axes.minorticks_off()
    axes.set_xlabel("ours over the card's (green: within the aim, orange: outside, gray: no aim)")
    axes.set_title("ours / the card's", x=1.02, loc="left", fontsize=9)
    axes.grid(axis="x", alpha=0.25)
    return figure


def leaderboard_chart(cross_entropies: dict[str, float], oracle: str) -> bytes:
    """A PNG of each model's mean cross-entropy in nats per cell, best on top; ``oracle`` names the true rule."""
    return drawn_as_png(lambda: _leaderboard(cross_entropies, oracle))


def _leaderboard(cross_entropies: dict[str, float], oracle: str) -> Figure:
    models = sorted(cross_entropies, key=lambda name: -cross_entropies[name])
    values = [cross_entropies[name] for name in models]
    figure = new_figure(height=0.4 * len(models) + 1, width=7)
    [axes] = new_axes(figure)
    bars = axes.barh(models, values, color=["#222222" if name == oracle else "#4477aa" for name in models])
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.axvline(cross_entropies[oracle], color="#222222", linestyle=":", linewidth=1)
    axes.set_xlim(0, max(values) * 1.12)
    axes.set_xlabel("cross-entropy of frame 112, nats per cell (less is better)")
    return figure
