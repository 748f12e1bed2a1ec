"""Current inventory and stale partitions without a warehouse, by a few of its queries in an in-memory database."""

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
from nca_assets.warehouse.seen import Memory
from nca_assets.warehouse.sources import StalePartition, find_sources, set_variable, set_variables
from nca_assets.warehouse.unreadable import Unreadable, unreadable_folders

Versions = Mapping[str, Mapping[str, str]]
"""The last materialized data version, by asset and partition."""


@dataclass(frozen=True)
class SetInventory:
    """A set's contents on disk; ``file_bytes`` counts its shards, ``dropped`` the rollouts without tokens."""

    set: str
    shards: int
    rollouts: int
    tokens: int
    file_bytes: int
    dropped: int = 0


@dataclass(frozen=True)
class Assessment:
    """The contents on disk by set, the stale partitions, the sound ones, by asset and partition, that are not what was
    materialized last, and the folders that can't be read, of whose partitions only those that were materialized are
    known to be stale."""

    sets: list[SetInventory]
    stale: list[StalePartition]
    unreported: list[tuple[str, str]]
    unreadable: list[Unreadable]


def assess(data: DataFolder, materialized: Versions) -> Assessment:
    """The inventory, and the contents of ``stale_partitions`` if the warehouse were built now.

    The caller provides the ``materialized`` versions, since the history on disk is only as recent as the last build.
    Damaged partitions count as stale.
    """
    with data.surveyed() as unreadable:
        if not (data.shards() or data.labelled_shards() or data.imported_shards() or unreadable):
            return Assessment([], [], [], [])
        return _assess(data, materialized, unreadable)


def _assess(data: DataFolder, materialized: Versions, unreadable: Mapping[Path, str]) -> Assessment:
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
        unreported = connection.execute(UNREPORTED).fetchall()
        sets = connection.execute(
            "SELECT set_name, count(*), sum(rollouts)::BIGINT, sum(tokens)::BIGINT, sum(file_bytes)::BIGINT, "
            "coalesce(sum(rollouts) FILTER (NOT tokens_kept), 0)::BIGINT "
            "FROM shards GROUP BY set_name ORDER BY set_name"
        ).fetchall()
    return Assessment(
        [SetInventory(*row) for row in sets],
        [StalePartition(*row) for row in stale],
        unreported,
        unreadable_folders(data, unreadable),
    )


MATERIALIZED = "STRUCT(asset VARCHAR, partition_key VARCHAR, data_version VARCHAR)[]"
CURRENT = """CREATE TABLE current_materializations AS
    SELECT *, NULL::TIMESTAMP AS "time" FROM (SELECT unnest(getvariable('materialized'), recursive := true))"""

UNREPORTED = """
    SELECT asset, partition_key FROM (
        SELECT 1 AS step, if(reproducible, 'rollout_shards', 'imported_shards') AS asset, partition_key, digest
        FROM shards
        JOIN (SELECT unnest(getvariable('disk'), recursive := true)) AS disk
            ON shard_key = partition_key AND (token_bytes = file_bytes OR NOT tokens_kept)
        UNION ALL
        SELECT 2, if(recipe_version IS NULL, 'imported_labels', 'behavior_labels'), partition_key, digest
        FROM label_parts
    ) AS made
    ANTI JOIN (SELECT unnest(getvariable('damaged'), recursive := true)) AS damaged USING (asset, partition_key)
    ANTI JOIN current_materializations AS known
        ON (made.asset, made.partition_key, digest) = (known.asset, known.partition_key, data_version)
    ORDER BY step, asset, partition_key
"""
"""Shards first, so that their labels can point to them."""


@contextmanager
def inventory(data: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database with the current ``shards`` and ``label_parts``; its variables ``damaged`` and
    ``unreadable`` list the damaged files and unreadable folders, which are left out."""
    try:
        with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection, data.surveyed() as unreadable:
            memory = Memory(connection, data, find_sources(data))
            damaged = set_variables(connection, data, Path(scratch), memory.new, unreadable)
            for name in ("label_parts", "shards"):
                connection.execute(BY_NAME[name].sql)
            memory.complete(damaged)
            yield connection
    except duckdb.Error as error:
        raise NcaError(f"can't take inventory of {data}: {str(error).splitlines()[0]}") from error
