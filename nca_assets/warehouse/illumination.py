"""Illumination: rollouts chosen for their variety, over a grid of labels that is the same for every dataset.

As in MAP-Elites (Mouret and Clune, arXiv:1504.04909, 2015), each cell of the grid keeps its best rollouts. A choice of
any size takes the best of every cell that holds a rollout, then every cell's second best, and so on; where a round does
not fit, cells with few rollouts come first.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.sql_text import literal

GRID: dict[str, tuple[float, ...]] = {
    "tail_change": (0.06, 0.09, 0.12, 0.16, 0.21, 0.27, 0.34, 0.42, 0.56),
    "tail_entropy": (0.3, 0.6, 1.25, 1.9, 2.4, 2.55, 2.65, 3.15, 3.35),
    "domains": (-0.02, 0.01, 0.05, 0.1, 0.18, 0.26, 0.35, 0.44, 0.52),
    "damage": (0.01, 0.02, 0.03, 0.045, 0.07, 0.11, 0.18, 0.29, 0.48),
    "traveling": (0.07, 0.14, 0.2, 0.27, 0.36, 0.45, 0.53, 0.62, 0.74),
    "streaming": (0.002, 0.01, 0.02, 0.04, 0.06, 0.1, 0.16, 0.26, 0.46),
    "ground_share": (0.15, 0.21, 0.23, 0.27, 0.33, 0.42, 0.62, 0.85, 0.94),
    "rhythm_prominence": (0.24, 0.41, 0.54, 0.66, 0.75, 0.83, 0.88, 0.93, 0.97),
    "conditional_entropy": (0.35, 0.48, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.45),
    "noise_bits": (0.22, 0.35, 0.42, 0.5, 0.56, 0.63, 0.72, 0.86, 1.0),
    "learnable_bits": (1.45, 1.9, 2.05, 2.15, 2.25, 2.35, 2.5, 2.7, 2.9),
    "epiplexity": (290, 390, 720, 850, 1000, 1150, 1450, 2450, 3150),
}
"""The nine edges between the ten bins of each label that may be an axis; a bin holds its lower edge. They never change,
so that numbers of cells compare across datasets: round numbers near the tenths of 12,288 rollouts, 4,096 of each of the
card's sets."""

AXES = ("tail_change", "tail_entropy", "domains", "damage")
"""The axes by default: activity, richness, order in space, and sensitivity. Each is known of every rollout with a
recipe, and no two have a rank correlation above 0.25."""

MAX_AXES = 6
"""A million cells; more axes would leave each rollout in a cell of its own."""

QUALITY = "epiplexity"
"""The label by which a cell ranks its rollouts, the greatest first: what a bounded learner can learn of structure."""


@dataclass(frozen=True)
class Illumination:
    """A choice of ``size`` rollouts of a query over the grid of ``axes``, all distinct and in ``GRID``.

    The choice depends on the rollouts' labels alone, in any order; of equals, the first by id is chosen.
    """

    size: int
    axes: tuple[str, ...] = AXES

    def __post_init__(self) -> None:
        if unknown := [name for name in self.axes if name not in GRID]:
            raise NcaError(f"{unknown[0]!r} is no axis of the grid: choose some of {', '.join(GRID)}")
        if not 1 <= len(set(self.axes)) == len(self.axes) <= MAX_AXES:
            raise NcaError(
                f"can't make a grid of {', '.join(self.axes) or 'nothing'}: give 1 to {MAX_AXES} axes, each once"
            )

    def __str__(self) -> str:
        return f"{self.size} over the grid of {', '.join(self.axes)}"

    @classmethod
    def parse(cls, text: str) -> Illumination | None:
        """The inverse of ``str``; None for any other text."""
        match = re.fullmatch(r"(\d+) over the grid of (.+)", text)
        return cls(int(match[1]), tuple(match[2].split(", "))) if match else None

    def query(self) -> str:
        """The SQL that chooses from ``answer``: columns ``rollout_id`` and ``digest``."""
        return f"""
            WITH placed AS (
                SELECT rollout_id, digest, {QUALITY} AS quality, {cell_of(self.axes)} AS cell
                FROM labels
                WHERE rollout_id IN (SELECT rollout_id FROM answer)
            ),
            ranked AS (
                SELECT
                    *,
                    row_number() OVER (PARTITION BY cell ORDER BY quality DESC NULLS LAST, rollout_id) AS round,
                    count(*) OVER (PARTITION BY cell) AS rollouts
                FROM placed
                WHERE cell IS NOT NULL
            )
            SELECT rollout_id, digest FROM ranked ORDER BY round, rollouts, cell LIMIT {self.size}
        """  # noqa: S608


def bins(cells: NDArray[np.integer], axes: int) -> NDArray[np.integer]:
    """The bins (axes, n), 0 to 9, of the cells (n,) of a grid of so many axes, first axis first."""
    return np.stack([cells // 10**place % 10 for place in reversed(range(axes))])


def cell_of(axes: tuple[str, ...]) -> str:
    """An SQL expression for a row's cell: the digits of its bins, first axis first; null if an axis is null."""
    digits = (f"{10**place} * ({bin_of(name)})" for place, name in enumerate(reversed(axes)))
    return " + ".join(digits)


def bin_of(name: str) -> str:
    """An SQL expression for a row's bin on axis ``name``, 0 to 9; null if the label is."""
    return " + ".join(f'("{name}" >= {edge})::INTEGER' for edge in GRID[name])


@dataclass(frozen=True)
class Coverage:
    """The occupied cells of the grid of ``axes``: a row each, with columns ``cell``, ``rollouts`` (of the query) and
    ``chosen``."""

    axes: tuple[str, ...]
    cells: pl.DataFrame

    @property
    def occupied(self) -> int:
        """Cells with a rollout of the query."""
        return self.cells.height

    @property
    def filled(self) -> int:
        """Cells with a chosen rollout."""
        return self.cells.filter(pl.col("chosen") > 0).height

    def at_random(self, size: int, seed: int) -> int:
        """Cells that ``size`` of the query's rollouts fill if they are drawn at random, without replacement."""
        counts = self.cells["rollouts"].to_numpy()
        drawn = np.random.default_rng(seed).multivariate_hypergeometric(
            counts, min(size, counts.sum()), method="marginals"
        )
        return int(np.count_nonzero(drawn))


def coverage(query: str, axes: tuple[str, ...], chosen: Collection[str], data: DataFolder) -> Coverage:
    """The cells of the rollouts that ``query`` selects, and of those ``chosen`` by id; rollouts without a value on an
    axis are in none. Raises ``NcaError`` with DuckDB's message."""
    names = ", ".join(literal(name) for name in chosen)
    cells = f"""
        SELECT
            {cell_of(axes)} AS cell,
            count(*) AS rollouts,
            count(*) FILTER (rollout_id IN (SELECT unnest([{names}]::VARCHAR[]))) AS chosen
        FROM labels
        WHERE rollout_id IN (SELECT rollout_id FROM answer) AND cell IS NOT NULL
        GROUP BY cell
        ORDER BY cell
    """  # noqa: S608
    return Coverage(axes, whole_table(query, data, cells))
