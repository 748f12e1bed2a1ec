"""What is stale now, without a warehouse: the query of ``stale_partitions`` on a database in memory."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from nca_assets.errors import NcaError
from nca_assets.naming import imported_shards, materialized_labels, materialized_shards
from nca_assets.warehouse.catalog import BY_NAME
from nca_assets.warehouse.sources import set_variables

TABLES = ("label_parts", "shards", "materializations", "current_materializations", "stale_partitions")
"""In the order they are built: each of those that the last one reads, and it."""


@dataclass(frozen=True)
class StalePartition:
    """A partition that is out of date, and why."""

    asset: str
    partition_key: str | None
    reason: str


def find_stale(data: Path) -> list[StalePartition]:
    """What ``stale_partitions`` would hold if the warehouse were built now; nothing if there is no shard at all.

    Raises ``NcaError`` if a manifest or a part is damaged.
    """
    if not (materialized_shards(data) or materialized_labels(data) or imported_shards(data)):
        return []
    try:
        with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
            set_variables(connection, data, Path(scratch))
            for name in TABLES:
                connection.execute(BY_NAME[name].sql)
            rows = connection.execute("SELECT asset, partition_key, reason FROM stale_partitions").fetchall()
    except duckdb.Error as error:
        raise NcaError(f"can't tell what is stale in {data}: {str(error).splitlines()[0]}") from error
    return [StalePartition(*row) for row in rows]
