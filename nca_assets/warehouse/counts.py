"""Rollout counts of each shard in its manifest, its labels and the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

import duckdb

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.store.store import modified_at
from nca_assets.warehouse.read import connect
from nca_assets.warehouse.stale import inventory

DAMAGED_PARTITIONS = "SELECT partition_key FROM (SELECT unnest(getvariable('damaged'), recursive := true))"
UNREADABLE_PARTITIONS = "SELECT pattern FROM (SELECT unnest(getvariable('unreadable'), recursive := true))"


@dataclass(frozen=True)
class ShardCounts:
    """Rollouts of a shard in its manifest, its label part and the warehouse; 0 where it is absent."""

    key: ShardKey
    in_manifest: int
    in_labels: int
    in_warehouse: int
    labelled_since: bool
    """Whether labels and warehouse differ only because the label part is newer; the next build will include it."""

    @property
    def unlabelled(self) -> bool:
        """Whether the shard has no labels yet, a normal intermediate state."""
        return self.in_labels == self.in_warehouse == 0

    @property
    def agree(self) -> bool:
        """Whether the counts match, apart from labels that are pending."""
        if self.unlabelled:
            return True
        return self.in_manifest == self.in_labels and (self.labelled_since or self.in_labels == self.in_warehouse)

    def __str__(self) -> str:
        return (
            f"{self.key}: {self.in_manifest} rollouts in the manifest, {self.in_labels} in the labels, "
            f"{self.in_warehouse} in the warehouse"
        )


def count_rollouts(data: DataFolder) -> list[ShardCounts]:
    """The counts of every known shard except damaged ones, which ``stale_partitions`` lists, and of those whose folder
    can't be read.

    Raises ``NcaError`` if the warehouse can't be read.
    """
    with inventory(data) as on_disk:
        in_manifest = _counts(on_disk, "SELECT set_name, shard, rollouts FROM shards")
        in_labels = _counts(on_disk, "SELECT set_name, shard, rollouts FROM label_parts")
        damaged = {key for (key,) in on_disk.execute(DAMAGED_PARTITIONS).fetchall()}
        unreadable = [pattern for (pattern,) in on_disk.execute(UNREADABLE_PARTITIONS).fetchall()]
    with connect(data) as warehouse:
        in_warehouse = _counts(warehouse, "SELECT set_name, shard, count(*) FROM labels GROUP BY ALL")
        [(built_at,)] = warehouse.execute("SELECT epoch(built_at) FROM snapshot").fetchall()
    return [
        ShardCounts(
            key,
            in_manifest.get(key, 0),
            in_labels.get(key, 0),
            in_warehouse.get(key, 0),
            labelled_since=in_labels.get(key, 0) != in_warehouse.get(key, 0)
            and key in in_labels
            and modified_at(data.labels_file(key)) > built_at,
        )
        for key in sorted(in_manifest.keys() | in_labels.keys() | in_warehouse.keys())
        if str(key) not in damaged and not any(fnmatchcase(str(key), pattern) for pattern in unreadable)
    ]


def _counts(connection: duckdb.DuckDBPyConnection, query: str) -> dict[ShardKey, int]:
    return {ShardKey(set_name, shard): count for set_name, shard, count in connection.execute(query).fetchall()}
