"""What is there and what is stale now, without a warehouse: a few of its queries on a database in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.warehouse.catalog import BY_NAME
from nca_assets.warehouse.sources import StalePartition, set_variable, set_variables

Versions = Mapping[str, Mapping[str, str]]
"""Of each asset and partition, the data version that was materialized last."""


@dataclass(frozen=True)
class SetInventory:
    """What is on disk of one set; the bytes are those of the shards."""

    set: str
    shards: int
    rollouts: int
    tokens: int
    file_bytes: int


@dataclass(frozen=True)
class Assessment:
    """What is on disk, by set, and what of it is stale."""

    sets: list[SetInventory]
    stale: list[StalePartition]


def assess(data: DataFolder, materialized: Versions) -> Assessment:
    """The inventory, and what ``stale_partitions`` would hold if the warehouse were built now.

    What was ``materialized`` last is asked of the caller, since the history on disk is only as new as the last build.
    What is damaged is stale. Raises ``NcaError`` if a folder can't be read.
    """
    if not (data.shards() or data.labelled_shards() or data.imported_shards()):
        return Assessment([], [])
    with inventory(data) as connection:
        rows = [
            {"asset": asset, "partition_key": partition, "data_version": version}
            for asset, versions in materialized.items()
            for partition, version in versions.items()
        ]
        set_variable(connection, "materialized", MATERIALIZED, rows)
        connection.execute(CURRENT)
        connection.execute(BY_NAME["stale_partitions"].sql)
        stale = connection.execute("SELECT asset, partition_key, reason FROM stale_partitions").fetchall()
        sets = connection.execute(
            "SELECT set_name, count(*), sum(rollouts)::BIGINT, sum(tokens)::BIGINT, sum(file_bytes)::BIGINT "
            "FROM shards GROUP BY set_name ORDER BY set_name"
        ).fetchall()
    return Assessment([SetInventory(*row) for row in sets], [StalePartition(*row) for row in stale])


MATERIALIZED = "STRUCT(asset VARCHAR, partition_key VARCHAR, data_version VARCHAR)[]"
CURRENT = """CREATE TABLE current_materializations AS
    SELECT *, NULL::TIMESTAMP AS "time" FROM (SELECT unnest(getvariable('materialized'), recursive := true))"""


@contextmanager
def inventory(data: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that has the tables ``shards`` and ``label_parts`` of what is on disk now, but of damaged
    files, which its variable ``damaged`` lists.

    There must be something. Raises ``NcaError`` if a folder can't be read.
    """
    try:
        with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
            set_variables(connection, data, Path(scratch))
            for name in ("label_parts", "shards"):
                connection.execute(BY_NAME[name].sql)
            yield connection
    except duckdb.Error as error:
        raise NcaError(f"can't tell what is in {data}: {str(error).splitlines()[0]}") from error
