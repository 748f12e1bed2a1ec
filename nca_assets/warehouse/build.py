"""Building the warehouse beside the one in use, and swapping it in with one rename.

No process ever opens the published file for writing, so readers are never locked out: who has it open keeps the old
snapshot, who opens it next sees the new one.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from nca_assets.errors import NcaError
from nca_assets.files import TEMPORARY, publish
from nca_assets.naming import materialized_labels, materialized_shards, warehouse_file
from nca_assets.warehouse.catalog import TABLES, Table

LONGEST_WAIT = 600.0
"""Seconds to wait for another build to end."""


@dataclass(frozen=True)
class Built:
    """A table as it was built: its rows and a digest of them that does not depend on their order."""

    rows: int
    digest: str


def build_warehouse(data: Path) -> dict[str, Built]:
    """Rebuild ``data/nca.duckdb`` from all label parts and manifests, and publish it; returns each table by name.

    One build runs at a time, so the last one to publish has seen every part that was there when it began. Raises
    ``NcaError`` if there is nothing to build from, a part is damaged, or another build does not end.
    """
    final = warehouse_file(data)
    try:
        with FileLock(final.with_name(f".{final.name}.lock"), timeout=LONGEST_WAIT):
            _remove_leftovers(final)
            temporary = final.with_name(f".{final.name}.{os.getpid()}{TEMPORARY}")
            try:
                built = _build(data, temporary)
                _flush(temporary)
                publish(temporary, final)
            finally:
                _remove_leftovers(final)
            return built
    except Timeout:
        raise NcaError(
            f"another build of {final} has run for {LONGEST_WAIT:.0f} s: end it, then run this again"
        ) from None
    except OSError as error:
        raise NcaError(f"can't write {final}: {error.strerror or error}. Free space or set NCA_DATA.") from error
    except duckdb.Error as error:
        raise NcaError(f"can't build {final}: {str(error).splitlines()[0]}") from error


def _build(data: Path, file: Path) -> dict[str, Built]:
    label_parts = [str(key.labels_file(data)) for key in materialized_labels(data)]
    manifests = [str(key.manifest_file(data)) for key in materialized_shards(data)]
    if not label_parts or not manifests:
        raise NcaError(f"{data} holds no labelled shards: materialize rollout_shards and behavior_labels first")
    with duckdb.connect(file) as connection:
        connection.execute("SET VARIABLE label_parts = ?", [label_parts])
        connection.execute("SET VARIABLE manifests = ?", [manifests])
        return {table.name: _build_table(connection, table) for table in TABLES}


def _remove_leftovers(final: Path) -> None:
    """Remove unfinished builds with what DuckDB spilled beside them; the caller holds the lock, so none is alive."""
    for leftover in final.parent.glob(f".{final.name}.*{TEMPORARY}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def _build_table(connection: duckdb.DuckDBPyConnection, table: Table) -> Built:
    connection.execute(table.sql)
    connection.execute(f"COMMENT ON {table.kind} {table.name} IS {_literal(table.description)}")
    for column in table.columns:
        name = f'{table.name}."{column.name}"'
        connection.execute(f"COMMENT ON COLUMN {name} IS {_literal(column.description)}")
    content = f"SELECT count(*), coalesce(sum(md5_number_lower(row::VARCHAR)), 0) FROM {table.name} AS row"  # noqa: S608
    [(rows, total)] = connection.execute(content).fetchall()
    return Built(rows=rows, digest=f"{rows}-{int(total):x}")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _flush(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
