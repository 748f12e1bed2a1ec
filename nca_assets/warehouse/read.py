"""Opening the warehouse for questions: read-only, with no way to reach a file."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import duckdb

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.storage import local_copy
from nca_assets.warehouse.sql_text import literal

LOCKDOWN = (
    # In this order: the third names the published file as one to read and write, the fourth refuses every local file.
    "temp_directory = ''",
    "autoinstall_known_extensions = false",
    "enable_external_access = false",
    "disabled_filesystems = 'LocalFileSystem'",
    "lock_configuration = true",
)
"""Settings under which a connection keeps the file that it has open, and can open no other, nor that one again."""


def connect(data: DataFolder, lossless_arrow: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to the published warehouse that can write nothing, and read nothing else; its settings are locked.

    It spills nothing to disk either, so what a query needs at once must fit into memory. Whoever has opened the
    published file for writing does not get in the way: then a private copy of it is opened. With ``lossless_arrow``,
    answers in Arrow keep DuckDB's own types, which only DuckDB reads. Raises ``NcaError`` if the file is missing or
    damaged.
    """
    file = data.warehouse_file()
    try:
        connection = _open(local_copy(file))
    except FileNotFoundError:
        raise NcaError(f"{file} is missing: materialize the 'analytics' assets (make demo does) first") from None
    except (duckdb.Error, OSError) as error:
        raise NcaError(f"can't open {file}: {str(error).splitlines()[0]}") from error
    for setting in (f"arrow_lossless_conversion = {lossless_arrow}", *LOCKDOWN):
        connection.execute(f"SET {setting}")
    return connection


def _open(file: Path) -> duckdb.DuckDBPyConnection:
    if not file.exists():
        raise FileNotFoundError(file)
    # The published file never has a log of its own: one beside it is of a writer, and was never published.
    if not write_ahead_log(file).exists():
        try:
            return _attach(file)
        except duckdb.IOException as error:
            if "lock" not in str(error):
                raise
    with tempfile.TemporaryDirectory() as folder:
        # Open, the copy outlives its name.
        return _attach(Path(shutil.copyfile(file, Path(folder) / file.name)))


def _attach(file: Path) -> duckdb.DuckDBPyConnection:
    """Open ``file`` in a database of its own: ``duckdb.connect(file)`` would share the one that this process has open,
    which may be of a file published before."""
    connection = duckdb.connect()
    try:
        connection.execute(f"ATTACH {literal(str(file))} AS nca (READ_ONLY)")
        connection.execute("USE nca")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def write_ahead_log(file: Path) -> Path:
    """Where DuckDB keeps what a writer of ``file`` has not yet put into it."""
    return file.with_name(f"{file.name}.wal")
