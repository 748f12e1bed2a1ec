"""Opening the warehouse for questions: read-only, with no way to reach other files."""

from __future__ import annotations

from pathlib import Path

import duckdb

from nca_assets.errors import NcaError
from nca_assets.naming import warehouse_file


def connect(data: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the published warehouse, external access off and settings locked.

    Raises ``NcaError`` if it is missing, or held by a process that opened it for writing.
    """
    file = warehouse_file(data)
    if not file.exists():
        raise NcaError(f"{file} is missing: materialize the 'analytics' assets (make demo does) first")
    try:
        connection = duckdb.connect(file, read_only=True, config={"enable_external_access": "false"})
    except duckdb.IOException as error:
        raise NcaError(f"can't open {file}: {str(error).splitlines()[0]}") from error
    connection.execute("SET lock_configuration = true")
    return connection
