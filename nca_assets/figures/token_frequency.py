"""How often each token occurs, in the tokens' own colors."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.figures.chart import new_axes, new_figure
from nca_assets.figures.palette import colors_of, hexadecimal
from nca_assets.naming import SETS
from nca_assets.settings import Settings
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.read import is_any_of


def data(settings: Settings) -> pl.DataFrame:
    """Columns ``token``, ``percent`` and ``color``, the most frequent first."""
    query = f"""
        SELECT token, (100 * sum("count") / sum(sum("count")) OVER ())::DOUBLE AS percent FROM token_frequency
        WHERE {is_any_of(SETS)} GROUP BY token ORDER BY percent DESC, token
    """  # noqa: S608
    shares = whole_table(query, settings.data)
    colors = hexadecimal(colors_of(next(iter(SETS)), settings.data))
    return shares.with_columns(pl.Series("color", [colors[token] for token in shares["token"]]))


def draw(shares: pl.DataFrame) -> Figure:
    """A bar a token, and where all would be if they were equally frequent."""
    figure = new_figure(height=3.2)
    [axes] = new_axes(figure)
    places = range(len(shares))
    axes.bar(
        places, shares["percent"].to_list(), color=shares["color"].to_list(), width=0.85,
        edgecolor="#666666", linewidth=0.5,
    )  # fmt: skip
    axes.axhline(100 / TOKENS, color="#444444", linestyle=":", label=f"all alike: {100 / TOKENS:.3g} %")
    axes.set_xticks(places, [str(token) for token in shares["token"]], fontsize=8)
    axes.set_xlim(-0.7, len(shares) - 0.3)
    axes.set_xlabel("token")
    axes.set_ylabel("of all tokens, %")
    axes.legend(loc="upper right")
    return figure
