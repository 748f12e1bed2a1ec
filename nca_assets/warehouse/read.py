"""Opening the warehouse for questions: read-only, with no way to reach other files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import duckdb

from nca_assets.errors import NcaError
from nca_assets.naming import warehouse_file


def connect(data: Path, writable: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the published warehouse, external access off and settings locked.

    ``writable`` names the one file that COPY may write to. Whoever has opened the published file for writing does not
    get in the way: then a private copy of it is opened. Raises ``NcaError`` if it is missing or damaged.
    """
    file = warehouse_file(data)
    try:
        connection = _open(file)
    except FileNotFoundError:
        raise NcaError(f"{file} is missing: materialize the 'analytics' assets (make demo does) first") from None
    except (duckdb.Error, OSError) as error:
        raise NcaError(f"can't open {file}: {str(error).splitlines()[0]}") from error
    if writable:
        connection.execute("SET allowed_paths = ?", [[str(writable)]])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _open(file: Path) -> duckdb.DuckDBPyConnection:
    if not file.exists():
        raise FileNotFoundError(file)
    # The published file never has a log of its own: one beside it is of a writer, and was never published.
    if not write_ahead_log(file).exists():
        try:
            return duckdb.connect(file, read_only=True)
        except duckdb.IOException as error:
            if "lock" not in str(error):
                raise
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copyfile(file, Path(folder) / file.name)
        # Open, it outlives its name.
        return duckdb.connect(copy, read_only=True)


def write_ahead_log(file: Path) -> Path:
    """Where DuckDB keeps what a writer of ``file`` has not yet put into it."""
    return file.with_name(f"{file.name}.wal")
