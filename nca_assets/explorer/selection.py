"""Which rollouts the explorer shows, and in which order: the most structured of each class first."""

from __future__ import annotations

import polars as pl

from nca_assets.data_folder import DataFolder
from nca_assets.loading.source import RolloutSource
from nca_assets.warehouse.answer import parenthesized

MIN_EACH = 12
"""Rollouts of each class that are chosen for their structure, before the rest is drawn in proportion."""

STRUCTURE = "tail_entropy * domains * greatest(traveling, 0.05)"
"""How much there is to see: disorder times order, as López-Ruiz, Mancini and Calbet (Physics Letters A 209, 1995)
measure complexity; order in space and in time. It is 0 in noise, which has no domains, and on an even ground, which has
no entropy."""

LARGE = "least(height, width) >= 16"
"""Pictures of smaller grids show little."""


def explored(data: DataFolder, condition: str = "true", most: int = 2000) -> RolloutSource:
    """Up to ``most`` labeled rollouts that meet an SQL condition over labels and splits.

    They comprise the ``MIN_EACH`` most structured of each class, or all if fewer; the rest are a random sample. Raises
    ``NcaError`` if the condition is not valid SQL, or if nothing meets it.
    """
    query = f"""
        WITH ranked AS (
            SELECT
                rollout_id,
                row_number() OVER (
                    PARTITION BY behavior ORDER BY {LARGE} DESC, {STRUCTURE} DESC, rollout_id
                ) AS place
            FROM labels JOIN splits USING (rollout_id, set_name)
            WHERE {parenthesized(condition)}
        )
        SELECT rollout_id FROM ranked ORDER BY least(place, {MIN_EACH + 1}), md5(rollout_id) LIMIT {most}
    """  # noqa: S608
    return RolloutSource.query(query, data).apart()


def in_turn(labels: pl.DataFrame) -> list[int]:
    """The rows of ``labels`` in the order in which they are shown: one of each class in turn.

    The most structured come first, both among the rows of a class and among the classes of a turn; small grids last.
    """
    seen = pl.sql_expr(STRUCTURE)
    place = pl.struct(pl.sql_expr(LARGE), seen, pl.sql_expr("-row")).rank("ordinal", descending=True).over("behavior")
    return labels.with_row_index("row").with_columns(place=place, seen=seen).sort(
        "place", "seen", "row", descending=[False, True, False]
    )["row"].to_list()  # fmt: skip
