"""Counting rollouts shard by shard in each place that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from nca_assets.naming import ShardKey, imported_shards, materialized_labels, materialized_shards
from nca_assets.shards.imported import read_imported_manifest
from nca_assets.shards.manifest import read_manifest
from nca_assets.warehouse.read import connect


@dataclass(frozen=True)
class ShardCounts:
    """How many rollouts of a shard its manifest, its label part and the warehouse hold; 0 where it is absent."""

    key: ShardKey
    in_manifest: int
    in_labels: int
    in_warehouse: int

    @property
    def agree(self) -> bool:
        """Whether the three are equal."""
        return self.in_manifest == self.in_labels == self.in_warehouse

    def __str__(self) -> str:
        return (
            f"{self.key}: {self.in_manifest} rollouts in the manifest, {self.in_labels} in the labels, "
            f"{self.in_warehouse} in the warehouse"
        )


def count_rollouts(data: Path) -> list[ShardCounts]:
    """The counts of every shard that is anywhere. Raises ``NcaError`` if the warehouse or a manifest can't be read."""
    in_manifest = {key: len(read_manifest(key, data).members) for key in materialized_shards(data)}
    in_manifest |= {key: len(read_imported_manifest(key, data).members) for key in imported_shards(data)}
    in_labels = {
        key: pl.scan_parquet(key.labels_file(data), hive_partitioning=False).select(pl.len()).collect().item()
        for key in materialized_labels(data)
    }
    with connect(data) as connection:
        rows = connection.execute('SELECT "set", shard, count(*) FROM labels GROUP BY ALL').fetchall()
    in_warehouse = {ShardKey(set_name, shard): count for set_name, shard, count in rows}
    return [
        ShardCounts(key, in_manifest.get(key, 0), in_labels.get(key, 0), in_warehouse.get(key, 0))
        for key in sorted(in_manifest.keys() | in_labels.keys() | in_warehouse.keys())
    ]
