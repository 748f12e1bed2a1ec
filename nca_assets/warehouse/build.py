"""Building the warehouse beside the one in use, and swapping it in with one rename.

No process ever opens the published file for writing, so readers are never locked out: who has it open keeps the old
snapshot, who opens it next sees the new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DiskFullError, NcaError, TransientError
from nca_assets.files import TEMPORARY, publish, refusals_of_the_disk
from nca_assets.storage import cache_of, clear_errors, local_copy
from nca_assets.versioned import publish_version
from nca_assets.warehouse.catalog import BY_NAME, TABLES
from nca_assets.warehouse.history import merge_history
from nca_assets.warehouse.read import write_ahead_log
from nca_assets.warehouse.sources import set_variable, set_variables
from nca_assets.warehouse.sql_text import literal
from nca_assets.warehouse.table import Table

MAX_WAIT = 600.0
"""Seconds to wait for another build to end."""

DISK_FULL = ("No space left", "max_temp_directory_size")
"""What DuckDB's message has when the disk is full, the second when there was no room for its temporary files."""

MAX_PARTS_IN_ORDER = 1000
"""Beyond it rows are not kept in order, which takes a quarter less time."""

STORAGE_VERSION = "v1.2.0"
"""The oldest DuckDB that can read the file, whichever writes it."""


@dataclass(frozen=True)
class Built:
    """A table as it was built: its rows, and a digest that changes when its content may have."""

    rows: int
    digest: str


def build_warehouse(data: DataFolder, only: Collection[str] | None = None) -> dict[str, Built]:
    """Rebuild ``data/nca.duckdb`` from all parts and manifests, and publish it; returns each rebuilt table by name.

    With ``only``, rebuild the tables of these names, and take the others over from the published warehouse if there is
    one. One build runs at a time, so the last one to publish has seen every part that was there when it began. Raises
    ``NcaError`` if there is nothing to build from, a part is damaged, the disk is full, or another build does not end;
    the published warehouse then stays.
    """
    final = _local_file(data)
    with building(data):
        temporary = final.with_name(f".{final.name}.{os.getpid()}{TEMPORARY}")
        _remove_leftovers(final)
        merge_history(data)
        try:
            everything = {table.name for table in TABLES}
            chosen = everything if only is None else everything.intersection(only)
            if data.warehouse_file().exists() and chosen != everything:
                shutil.copyfile(local_copy(data.warehouse_file()), temporary)
                built = _build(data, temporary, chosen | {"snapshot"})
            else:
                built = _build(data, temporary, everything)
            _flush(temporary)
            # Left beside by someone who opened the old file for writing; DuckDB would apply it to the new one.
            write_ahead_log(final).unlink(missing_ok=True)
            if isinstance(data.root, Path):
                publish(temporary, final)
            else:
                publish_version(temporary, data / "warehouse", ".duckdb")
        finally:
            _remove_leftovers(final)
        return {name: table for name, table in built.items() if name in chosen}


@contextmanager
def building(data: DataFolder) -> Iterator[None]:
    """Hold off other builds for the time of the block; what keeps one from writing is raised as ``NcaError``."""
    final = _local_file(data)
    try:
        with refusals_of_the_disk(final), _alone(final), clear_errors():
            yield
    except duckdb.Error as error:
        if any(sign in str(error) for sign in DISK_FULL):
            raise DiskFullError(f"can't write {final}: the disk is full. Free space, then run it again.") from error
        raise NcaError(f"can't build {final}: {str(error).splitlines()[0]}") from error


@contextmanager
def _alone(final: Path) -> Iterator[None]:
    """Hold the lock of ``final``. Raises ``TransientError`` if another build keeps it too long."""
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(final.with_name(f".{final.name}.lock"), timeout=MAX_WAIT):
            yield
    except Timeout:
        raise TransientError(
            f"another build of {final} has run for {MAX_WAIT:.0f} s: end it, then run this again"
        ) from None


def _local_file(data: DataFolder) -> Path:
    """What is built: the published file itself, or what a bucket's next version is uploaded from."""
    return cache_of(data.root) / "nca.duckdb"


def _build(data: DataFolder, file: Path, chosen: Collection[str]) -> dict[str, Built]:
    connected = duckdb.connect(file, config={"storage_compatibility_version": STORAGE_VERSION})
    with tempfile.TemporaryDirectory() as scratch, connected as connection:
        if len(data.labelled_shards()) > MAX_PARTS_IN_ORDER:
            connection.execute("SET preserve_insertion_order = false")
        set_variable(connection, "built_at", "TIMESTAMP", datetime.now(UTC).replace(tzinfo=None).isoformat())
        set_variables(connection, data, Path(scratch))
        built: dict[str, Built] = {}
        for table in TABLES:
            if table.name in chosen:
                built[table.name] = _build_table(connection, table)
        # What DuckDB can't write when it closes the file, it drops without a word.
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
    """Remove unfinished builds with what DuckDB spilled beside them; the caller holds the lock, so none is alive."""
    for leftover in final.parent.glob(f".{final.name}.*{TEMPORARY}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def _build_table(connection: duckdb.DuckDBPyConnection, table: Table) -> Built:
    connection.execute(table.sql)
    connection.execute(f'COMMENT ON {table.kind} "{table.name}" IS {literal(table.description)}')
    for column in table.columns:
        name = f'"{table.name}"."{column.name}"'
        connection.execute(f"COMMENT ON COLUMN {name} IS {literal(column.description)}")
    [(rows,)] = connection.execute(f'SELECT count(*) FROM "{table.name}"').fetchall()  # noqa: S608
    return Built(rows, content_digest(connection, table))


def content_digest(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Of a table's rows in any order or, of one that ``follows`` from others, of its SQL and their digests."""
    if table.follows:
        sources = [content_digest(connection, BY_NAME[name]) for name in table.sources if name in BY_NAME]
        return hashlib.sha256("-".join([table.version, *sources]).encode()).hexdigest()[:32]
    content = f'SELECT coalesce(sum(md5_number_lower(row::VARCHAR)), 0) FROM "{table.name}" AS row'  # noqa: S608
    [(total,)] = connection.execute(content).fetchall()
    return f"{int(total):x}"


def _flush(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
