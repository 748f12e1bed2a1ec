"""The leaderboard as a chart: a bar a model, and a line where the oracle is."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


def leaderboard_chart(cross_entropies: dict[str, float], oracle: str) -> bytes:
    """A PNG of each model's mean cross-entropy in nats per cell, the best on top; ``oracle`` names the limit."""
    models = sorted(cross_entropies, key=lambda name: -cross_entropies[name])
    values = [cross_entropies[name] for name in models]
    figure = Figure(figsize=(7, 0.4 * len(models) + 1), layout="constrained")
    axes = figure.add_subplot()
    bars = axes.barh(models, values, color=["#222222" if name == oracle else "#4477aa" for name in models])
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.axvline(cross_entropies[oracle], color="#222222", linestyle=":", linewidth=1)
    axes.set_xlim(0, max(values) * 1.12)
    axes.set_xlabel("cross-entropy of frame 112, nats per cell (less is better)")
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
