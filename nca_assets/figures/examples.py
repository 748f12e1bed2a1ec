"""Example rollouts for figures, chosen deterministically from the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import answer
from nca_assets.figures.palette import colored, colors_of
from nca_assets.ids import RolloutId
from nca_assets.warehouse.sql_text import OWN_SETS, literal

MIN_CELLS, MIN_SIDE = 400, 16
"""Pictures of smaller grids show little."""

LARGE = f"height * width >= {MIN_CELLS} AND least(height, width) >= {MIN_SIDE}"

TRAITS = ("tail_change", "token_entropy", "ground_share", "domains", "traveling", "synchrony")
"""Labels whose class medians define a typical rollout; null counts as zero."""


@dataclass(frozen=True)
class Example:
    """An example rollout: its labels, its tokens (frames, height, width), and their colors (…, 3)."""

    id: RolloutId
    labels: dict[str, Any]
    tokens: NDArray[np.uint8]
    pixels: NDArray[np.uint8]

    @classmethod
    def of(cls, labels: dict[str, Any], data: DataFolder) -> Example:
        """The rollout of a row of ``labels`` with its tokens in color, simulated if they are not stored."""
        from nca_assets.settings import Resources, load
        from nca_assets.shards.rollouts import rollout_tokens

        rollout = RolloutId.parse(labels["rollout_id"])
        tokens = rollout_tokens(rollout, data, load(Resources))
        return cls(rollout, labels, tokens, colored(tokens, colors_of(rollout.set, data)))

    @property
    def title(self) -> str:
        """Its id, class, family and size."""
        _, height, width = self.tokens.shape
        return f"{self.id}: {self.labels['behavior']}, of {self.labels['family']}, {height} x {width} cells"


def example(data: DataFolder, *wishes: str) -> Example:
    """The first native rollout that meets the longest possible prefix of ``wishes``, which are SQL conditions."""
    query = f"SELECT rollout_id FROM labels JOIN splits USING (rollout_id, set_name) WHERE {OWN_SETS}"  # noqa: S608
    met = " + ".join(["0", *(f"({' AND '.join(wishes[: n + 1])})::INTEGER" for n in range(len(wishes)))])
    [shown] = _named(f"{query} ORDER BY {met} DESC, set_name, rollout_index LIMIT 1", data)
    return shown


def typical(data: DataFolder, each: int) -> list[Example]:
    """Up to ``each`` native rollouts of each class, unordered: the most typical of its most common families.

    Typical rollouts are near the class medians of ``TRAITS``, in overall standard deviations; large grids come first.
    """
    offs = " + ".join(
        f"coalesce(abs(coalesce({trait}, 0) - median(coalesce({trait}, 0)) OVER (PARTITION BY behavior))"
        f" / nullif(stddev_pop(coalesce({trait}, 0)) OVER (), 0), 0)"
        for trait in TRAITS
    )
    query = f"""
        WITH measured AS (
            SELECT rollout_id, behavior, family, {LARGE} AS large, {offs} AS off FROM labels WHERE {OWN_SETS}
        ),
        in_family AS (
            SELECT
                *,
                row_number() OVER (PARTITION BY behavior, family ORDER BY large DESC, off, rollout_id) AS turn,
                count(*) OVER (PARTITION BY behavior, family) AS like_it
            FROM measured
        )
        SELECT rollout_id FROM in_family
        QUALIFY row_number() OVER (
            PARTITION BY behavior ORDER BY large DESC, turn, like_it DESC, off, rollout_id
        ) <= {each}
    """  # noqa: S608
    return _named(query, data)


def titled(rollout: RolloutId, data: DataFolder) -> str:
    """A rollout's name, with class and family if the warehouse knows it."""
    if not data.warehouse_file().exists():
        return str(rollout)
    query = f"SELECT behavior, family FROM labels WHERE rollout_id = {literal(str(rollout))}"  # noqa: S608
    found = answer(query, data)
    return ", ".join([str(rollout), *(str(value) for row in found.iter_rows() for value in row if value)])


def _named(query: str, data: DataFolder) -> list[Example]:
    rows = answer(f"FROM labels WHERE rollout_id IN (SELECT rollout_id FROM ({query}))", data)  # noqa: S608
    return [Example.of(labels, data) for labels in rows.iter_rows(named=True)]
