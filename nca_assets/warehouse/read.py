"""Opening the warehouse for queries: read-only, without access to other files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import duckdb

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.settings import Queries, load
from nca_assets.store.store import local_copy
from nca_assets.warehouse.sql_text import literal

LOCKDOWN = (
    # The order matters: the third allows the published file to be read and written, the fourth blocks all local files.
    "temp_directory = ''",
    "autoinstall_known_extensions = false",
    "enable_external_access = false",
    "disabled_filesystems = 'LocalFileSystem'",
    "lock_configuration = true",
)
"""Settings that keep the connection's open file, and prevent opening any other or reopening that one."""


def connect(data: DataFolder, lossless_arrow: bool = False) -> duckdb.DuckDBPyConnection:
    """A locked-down connection to the published warehouse: it writes nothing, and reads nothing else.

    It does not spill to disk, so a query's working set must fit into memory. If another process has opened the file for
    writing, a private copy is opened. With ``lossless_arrow``, Arrow results keep DuckDB's own types, which only DuckDB
    reads. Raises ``NcaError`` if the file is missing or damaged.
    """
    file = data.warehouse_file()
    try:
        connection = _open(local_copy(file))
    except FileNotFoundError:
        raise NcaError(f"{file} is missing: materialize the 'analytics' assets (make demo does) first") from None
    except (duckdb.Error, OSError) as error:
        raise NcaError(f"can't open {file}: {str(error).splitlines()[0]}") from error
    memory = f"memory_limit = '{load(Queries).sql_memory_gb}GB'"
    for setting in (memory, f"arrow_lossless_conversion = {lossless_arrow}", *LOCKDOWN):
        connection.execute(f"SET {setting}")
    return connection


def _open(file: Path) -> duckdb.DuckDBPyConnection:
    if not file.exists():
        raise FileNotFoundError(file)
    # The published file never has a write-ahead log; one beside it belongs to an outside writer.
    if not write_ahead_log(file).exists():
        try:
            return _attach(file)
        except duckdb.IOException as error:
            if "lock" not in str(error):
                raise
    with tempfile.TemporaryDirectory() as folder:
        # The open copy outlives its name.
        return _attach(Path(shutil.copyfile(file, Path(folder) / file.name)))


def _attach(file: Path) -> duckdb.DuckDBPyConnection:
    """Open ``file`` in a separate database: ``duckdb.connect(file)`` would share one that this process already has
    open, possibly of an earlier version."""
    connection = duckdb.connect()
    try:
        connection.execute(f"ATTACH {literal(str(file))} AS nca (READ_ONLY)")
        connection.execute("USE nca")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def write_ahead_log(file: Path) -> Path:
    """DuckDB's write-ahead log of ``file``."""
    return file.with_name(f"{file.name}.wal")
