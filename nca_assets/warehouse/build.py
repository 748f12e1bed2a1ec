"""Building the warehouse beside the one in use, and swapping it in with one rename.

No process ever opens the published file for writing, so readers are never locked out: open connections keep the old
snapshot, new ones see the new one.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DiskFullError, NcaError, OvertakenError
from nca_assets.store.exclusive import alone
from nca_assets.store.refusals import refusals_of_the_disk
from nca_assets.store.replace import TEMPORARY, discard, temporary_name
from nca_assets.store.store import cache_of, local_copy, publish_version
from nca_assets.warehouse.catalog import BY_NAME, TABLES
from nca_assets.warehouse.history import merge_history
from nca_assets.warehouse.read import write_ahead_log
from nca_assets.warehouse.sources import find_sources, require_sources, set_variable, set_variables
from nca_assets.warehouse.sql_text import literal
from nca_assets.warehouse.table import Table

log = logging.getLogger(__name__)

MAX_BUILDS = 4
"""Attempts to build before giving up because other machines keep publishing first."""

DISK_FULL = ("No space left", "max_temp_directory_size")
"""Fragments of DuckDB's messages for a full disk; the second is for temporary files."""

MAX_PARTS_IN_ORDER = 1000
"""Above it, row order is not preserved, which saves a quarter of the time."""

STORAGE_VERSION = "v1.2.0"
"""The oldest DuckDB that can read the file, regardless of the version that writes it."""


@dataclass(frozen=True)
class Built:
    """A built table: its row count, and a digest that changes if its content may have changed."""

    rows: int
    digest: str


def build_warehouse(data: DataFolder, only: Collection[str] | None = None) -> dict[str, Built]:
    """Rebuild ``data/nca.duckdb`` from all parts and manifests, and publish it; returns the rebuilt tables by name.

    With ``only``, rebuild just those tables, and copy the others from the published warehouse if there is one. In a
    folder, builds run one at a time; in a bucket, a build is repeated if another machine has published meanwhile. So
    the last one to publish has seen every part that its predecessor has. Raises ``NcaError`` if there is nothing to
    build from, a part is damaged, the disk is full, or another build does not finish; the published warehouse is then
    left unchanged.
    """
    for _ in range(MAX_BUILDS - 1):
        try:
            return _build_and_publish(data, only)
        except OvertakenError as error:
            log.warning("the warehouse is built again: %s", error)
    return _build_and_publish(data, only)


def _build_and_publish(data: DataFolder, only: Collection[str] | None) -> dict[str, Built]:
    final = _local_file(data)
    with building(data):
        before = data.warehouse_file()  # read first, since later versions may contain other parts
        temporary = temporary_name(final)
        _remove_leftovers(final)
        merge_history(data)
        try:
            everything = {table.name for table in TABLES}
            chosen = everything if only is None else everything.intersection(only)
            if chosen != everything and before.exists():
                shutil.copyfile(local_copy(before), temporary)
                built = _build(data, temporary, chosen | {"snapshot"})
            else:
                built = _build(data, temporary, everything)
            # Left behind by a process that opened the old file for writing; DuckDB would apply it to the new one.
            write_ahead_log(final).unlink(missing_ok=True)
            publish_version(temporary, data / "nca.duckdb", before, data / "warehouse")
        finally:
            _remove_leftovers(final)
        return {name: table for name, table in built.items() if name in chosen}


@contextmanager
def building(data: DataFolder) -> Iterator[None]:
    """Exclude other builds during the block. Raises ``NcaError`` if the warehouse can't be written."""
    final = _local_file(data)
    try:
        with refusals_of_the_disk(final), alone(final):
            yield
    except duckdb.Error as error:
        if any(sign in str(error) for sign in DISK_FULL):
            raise DiskFullError(f"can't write {final}: the disk is full. Free space, then run it again.") from error
        raise NcaError(f"can't build {final}: {str(error).splitlines()[0]}") from error


def _local_file(data: DataFolder) -> Path:
    """The build target: the published file itself, or the local file uploaded as a bucket's next version."""
    return cache_of(data.root) / "nca.duckdb"


def _build(data: DataFolder, file: Path, chosen: Collection[str]) -> dict[str, Built]:
    connected = duckdb.connect(file, config={"storage_compatibility_version": STORAGE_VERSION})
    with tempfile.TemporaryDirectory() as scratch, connected as connection:
        set_variable(connection, "built_at", "TIMESTAMP", datetime.now(UTC).replace(tzinfo=None).isoformat())
        with data.surveyed() as unreadable:
            sources = find_sources(data)
            require_sources(sources, data)
            if len(sources["label_files"]) > MAX_PARTS_IN_ORDER:
                connection.execute("SET preserve_insertion_order = false")
            set_variables(connection, data, Path(scratch), sources, unreadable)
        built: dict[str, Built] = {}
        for table in TABLES:
            if table.name in chosen:
                built[table.name] = _build_table(connection, table)
        # Closing the file silently drops whatever DuckDB can't write then.
        connection.execute("CHECKPOINT")
        contents = _contents(connection)
    with duckdb.connect(file, read_only=True) as reopened:
        if (written := _contents(reopened)) != contents:
            raise NcaError(f"can't write {file}: it holds {written} instead of {contents}. Run it again.")
    return built


def _contents(connection: duckdb.DuckDBPyConnection) -> dict[str, int | None]:
    """The number of rows of each table, and None for each view."""
    count = "SELECT table_name, table_type = 'VIEW' FROM information_schema.tables ORDER BY table_name"
    return {
        name: None if view else connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0]  # noqa: S608
        for name, view in connection.execute(count).fetchall()
    }


def _remove_leftovers(final: Path) -> None:
    """Remove unfinished builds and DuckDB's spill files; the caller holds the lock, so no build is running."""
    for leftover in final.parent.glob(f".{final.name}.*{TEMPORARY}*"):
        discard(leftover)


def _build_table(connection: duckdb.DuckDBPyConnection, table: Table) -> Built:
    connection.execute(table.sql)
    connection.execute(f'COMMENT ON {table.kind} "{table.name}" IS {literal(table.description)}')
    for column in table.columns:
        name = f'"{table.name}"."{column.name}"'
        connection.execute(f"COMMENT ON COLUMN {name} IS {literal(column.description)}")
    [(rows,)] = connection.execute(f'SELECT count(*) FROM "{table.name}"').fetchall()  # noqa: S608
    return Built(rows, content_digest(connection, table))


def content_digest(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Digest of a table's rows, regardless of order; if it ``follows`` from others, of its SQL and their digests."""
    if table.follows:
        sources = [content_digest(connection, BY_NAME[name]) for name in table.sources if name in BY_NAME]
        return hashlib.sha256("-".join([table.version, *sources]).encode()).hexdigest()[:32]
    content = f'SELECT coalesce(sum(md5_number_lower(row::VARCHAR)), 0) FROM "{table.name}" AS row'  # noqa: S608
    [(total,)] = connection.execute(content).fetchall()
    return f"{int(total):x}"
