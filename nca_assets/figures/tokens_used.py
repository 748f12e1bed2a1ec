"""How many of the 32 tokens a rollout uses."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.figures.chart import new_axes, new_figure
from nca_assets.naming import SETS
from nca_assets.settings import Settings
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.read import is_any_of


def data(settings: Settings) -> pl.DataFrame:
    """Columns ``tokens_used`` (1 to 32) and ``rollouts``."""
    query = f"""
        SELECT tokens_used, count(*) AS rollouts FROM labels WHERE {is_any_of(SETS)} GROUP BY ALL ORDER BY ALL
    """  # noqa: S608
    return whole_table(query, settings.data)


def draw(counts: pl.DataFrame) -> Figure:
    """A bar a number of tokens."""
    figure = new_figure(height=2.8)
    [axes] = new_axes(figure)
    percent = (100 * counts["rollouts"] / counts["rollouts"].sum()).to_list()
    axes.bar(counts["tokens_used"].to_list(), percent, color="#009E73", width=0.85)
    axes.set_xlim(0.3, TOKENS + 0.7)
    axes.set_xticks(range(1, TOKENS + 1))
    axes.set_xlabel(f"tokens that occur in a rollout, of {TOKENS}")
    axes.set_ylabel("rollouts, %")
    return figure
