"""Models on the long-horizon task: the leaderboard with its intervals, and cross-entropy by horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nca_assets.figures.chart import Picture, drawn, new_axes, new_figure

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

FLOOR = "floor"
"""Drawn as an area, unlike the models."""

AREA, EDGE = "#E4E4E4", "#777777"

COLORS = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#222222", "#EE8866")
"""Distinct for the color-blind: Paul Tol's bright scheme, with black, and the orange of his light scheme."""

MARKERS = "os^vDPX*"


def leaderboard(boards: pl.DataFrame) -> Picture:
    """Each model's mean cross-entropy with its 95 % interval, best on top, beside the floor; from the boards' rows."""
    ranked = boards.filter(board="all", horizon=64).sort("cross_entropy")
    return drawn(lambda: _leaderboard(ranked))


def horizon_curve(boards: pl.DataFrame) -> Picture:
    """Each model's mean cross-entropy by horizon above the floor; from the boards' rows."""
    return drawn(lambda: _horizon_curve(boards.filter(board="all").sort("horizon")))


def _leaderboard(ranked: pl.DataFrame) -> Figure:
    models, [floor] = ranked.filter(ranked["model"] != FLOOR), ranked.filter(model=FLOOR).to_dicts()
    figure = new_figure(height=0.34 * len(models) + 1, width=7)
    [axes] = new_axes(figure)
    axes.axvspan(0, floor["cross_entropy"], color=AREA, linewidth=0)
    axes.axvline(floor["cross_entropy"], color=EDGE, linewidth=1)
    axes.text(floor["cross_entropy"] / 2, len(models) - 0.6, FLOOR, color=EDGE, ha="center", va="bottom")
    for place, row in enumerate(models.iter_rows(named=True)):
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [place, place], color="#4477AA", linewidth=2, alpha=0.5)
        axes.plot(row["cross_entropy"], place, "o", color="#4477AA", markersize=6)
        axes.text(1.01, place, f"{row['cross_entropy']:.2f}", transform=axes.get_yaxis_transform(), va="center")
    axes.set_yticks(range(len(models)), models["model"].to_list())
    axes.set(xlim=(0, None), ylim=(len(models) - 0.5, -0.5))
    axes.set_xlabel("cross-entropy of frame 112, nats per cell, with 95 % intervals over rollouts and trainings")
    axes.grid(axis="x", alpha=0.25)
    return figure


def _horizon_curve(curves: pl.DataFrame) -> Figure:
    figure = new_figure(height=4.2)
    [axes] = new_axes(figure)
    floor = curves.filter(model=FLOOR)
    horizons = floor["horizon"].to_numpy()
    axes.fill_between(horizons, floor["cross_entropy"].to_numpy(), color=AREA, linewidth=0)
    axes.plot(horizons, floor["cross_entropy"].to_numpy(), color=EDGE, linewidth=1)
    last = curves.filter(horizon=int(horizons[-1])).sort("cross_entropy", descending=True)
    models = [name for name in last["model"] if name != FLOOR]
    for name, color, marker in zip(models, COLORS, MARKERS, strict=False):
        means = curves.filter(model=name)
        axes.plot(
            horizons,
            means["cross_entropy"].to_numpy(),
            f"{marker}-",
            color=color,
            markersize=4.5,
            linewidth=1.2,
            label=name,
        )
    told = " floor: the noise still to come, to one who knows the rule and the hidden state"
    axes.text(horizons[0], 0.5, told, color=EDGE, va="bottom", fontsize=8)
    axes.axvline(64, color=EDGE, linewidth=1, linestyle=":")
    axes.set_xscale("log", base=2)
    axes.set_xticks(horizons, [str(horizon) for horizon in horizons])
    axes.minorticks_off()
    axes.set(xlim=(horizons[0], horizons[-1]), ylim=(0, np.log(32) * 1.04))
    axes.set(xlabel="frames ahead (dotted: the task's 64)", ylabel="cross-entropy, nats per cell")
    axes.grid(alpha=0.25)
    figure.legend(loc="outside right upper")
    return figure
