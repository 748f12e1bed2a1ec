"""Comparisons: rollouts in phase space, our statistics beside the original card's, and models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import CLASS_COLORS, CLASS_MARKERS, answer, lettered, new_axes, new_figure
from nca_assets.labels.names import CLASSES
from nca_assets.text import number
from nca_assets.warehouse.sql_text import OWN_SETS

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

MAX_POINTS = 1000
"""Points per class."""

MIN_RATIO = 0.03
"""Lower limit for the drawn ratios of our statistics to the card's."""

VERDICTS = {
    True: ("o", "#009E73", "within the target"),
    False: ("X", "#D55E00", "outside the target"),
    None: ("s", "#777777", "no target"),
}
"""Marker, color and meaning by whether a statistic meets its target."""


def phase_points(data: DataFolder) -> pl.DataFrame:
    """Columns ``behavior``, ``volatility`` (0 to 1), ``tail_entropy`` (bits) and ``rollouts``, the size of the class.

    Up to ``MAX_POINTS`` rollouts of each class, at random.
    """
    query = f"""
        SELECT behavior, volatility, tail_entropy, count(*) OVER (PARTITION BY behavior) AS rollouts FROM phase_space
        WHERE {OWN_SETS}
        QUALIFY row_number() OVER (PARTITION BY behavior ORDER BY md5(rollout_id)) <= {MAX_POINTS}
    """  # noqa: S608
    return answer(query, data)


def phase_space(data: DataFolder) -> Figure:
    """Volatility against the tokens' entropy, a panel for each class with the others in gray."""
    points = phase_points(data)
    entropy, volatility = points["tail_entropy"].to_numpy(), 100 * points["volatility"].to_numpy()
    there = [name for name in CLASSES if name in set(points["behavior"])]
    rows = -(-len(there) // 4)
    figure = new_figure(height=0.5 + 1.5 * rows)
    panels = new_axes(figure, rows, 4, sharex=True, sharey=True)
    for axes, behavior in zip(panels, there, strict=False):
        inside = (points["behavior"] == behavior).to_numpy()
        [n] = set(points.filter(behavior=behavior)["rollouts"])
        axes.scatter(entropy[~inside], volatility[~inside], s=2, color="#dddddd", linewidths=0, rasterized=True)
        axes.scatter(
            entropy[inside], volatility[inside], s=9, color=CLASS_COLORS[behavior], marker=CLASS_MARKERS[behavior],
            alpha=0.6, linewidths=0,
        )  # fmt: skip
        axes.set_title(f"{behavior} (n = {n:,})", fontsize=7.5)
        axes.grid(alpha=0.25)
        axes.set(xlim=(-0.1, 5.1), ylim=(-3, 103))
    for axes in panels[len(there) :]:
        axes.set_axis_off()
    lettered(panels[: len(there)])
    if (points["rollouts"] > MAX_POINTS).any():
        figure.suptitle(f"{MAX_POINTS:,} rollouts of each larger class, chosen at random", fontsize=8)
    figure.supxlabel("entropy of a frame's tokens, bits (5 if all 32 are equally frequent)", fontsize=8)
    figure.supylabel("volatility: cells that change in a step, %", fontsize=8)
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
    figure = new_figure(height=0.9 + 0.25 * len(statistics))
    [axes] = new_axes(figure)
    for place, (_, unit, card, ours, target, within) in enumerate(statistics.iter_rows()):
        ratio = max(ours / card, MIN_RATIO)
        axes.plot([1, ratio], [place, place], color="#bbbbbb", linewidth=1, zorder=1)
        marker, color, _ = VERDICTS[within]
        axes.plot(ratio, place, marker, color=color, markersize=6, zorder=2)
        if not ours:
            arrow = {"arrowstyle": "->", "color": color}
            axes.annotate("", (MIN_RATIO / 1.5, place), (MIN_RATIO, place), arrowprops=arrow)
        text = f"{number(ours)} / {number(card)} {unit}" + (f"  (target {target})" if target else "")
        axes.text(1.02, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=7)
    axes.axvline(1, color="#222222", linewidth=1)
    axes.set_yticks(range(len(statistics)), statistics["statistic"].to_list())
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(MIN_RATIO / 1.6, 2)
    axes.set_xticks([0.1, 0.2, 0.5, 1, 2], ["1/10", "1/5", "1/2", "1", "2"])
    axes.minorticks_off()
    axes.set_xlabel("ours over the card's, on a logarithmic scale (an arrow: ours is 0)")
    n = answer("SELECT ours::BIGINT FROM card_comparison WHERE statistic = 'rollouts'", data).item()
    axes.set_title(f"ours (n = {n:,}) / the card's", x=1.02, loc="left")
    axes.grid(axis="x", alpha=0.25)
    for marker, color, meaning in VERDICTS.values():
        axes.plot([], [], marker, color=color, markersize=6, label=meaning)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, handletextpad=0.1)
    return figure
