"""Shards whose class mix deviates from the rest of their set; ``outliers.sql`` defines the bound."""

from __future__ import annotations

from dataclasses import dataclass

from nca_assets.data_folder import DataFolder
from nca_assets.warehouse.read import connect
from nca_assets.warehouse.table import QUERIES


@dataclass(frozen=True)
class Outlier:
    """A shard with too many or too few rollouts of a class."""

    partition_key: str
    behavior: str
    rollouts: int
    expected: float
    bound: float

    def __str__(self) -> str:
        return (
            f"{self.partition_key} has {self.rollouts} {self.behavior} rollouts, "
            f"expected {self.expected:.1f} ± {self.bound:.1f}"
        )


def find_outliers(data: DataFolder) -> list[Outlier]:
    """Outliers among native shards, most extreme first; none if a set has fewer than 1,000 other rollouts to compare.

    Raises ``NcaError`` if there is no warehouse.
    """
    query = (QUERIES / "outliers.sql").read_text(encoding="utf-8")
    with connect(data) as connection:
        return [Outlier(*row) for row in connection.execute(query).fetchall()]


def missed_targets(data: DataFolder, fewest: int) -> list[str] | None:
    """Statistics of ``card_comparison`` that miss their target, in words; None below ``fewest`` rollouts."""
    with connect(data) as connection:
        query = "SELECT count(*) FROM labels WHERE recipe_version IS NOT NULL"
        [(rollouts,)] = connection.execute(query).fetchall()
        if rollouts < fewest:
            return None
        missed = connection.execute(
            "SELECT statistic, unit, ours, target FROM card_comparison WHERE NOT within_target"
        ).fetchall()
    return [f"{statistic}: {ours:g} {unit}, target {target}" for statistic, unit, ours, target in missed]
