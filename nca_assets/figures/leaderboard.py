"""The leaderboard as a chart: a bar a model, and a line where the oracle is."""

from __future__ import annotations

from matplotlib.figure import Figure

from nca_assets.figures.chart import drawn, new_axes, new_figure


def leaderboard_chart(cross_entropies: dict[str, float], oracle: str) -> bytes:
    """A PNG of each model's mean cross-entropy in nats per cell, the best on top; ``oracle`` names the true rule."""
    return drawn(lambda: _draw(cross_entropies, oracle)).png


def _draw(cross_entropies: dict[str, float], oracle: str) -> Figure:
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
