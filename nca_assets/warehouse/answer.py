"""Query results of any size: as rows, or as CSV, JSON or Parquet written by DuckDB itself."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import polars as pl

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.warehouse.catalog import OLD_NAMES
from nca_assets.warehouse.limits import limited
from nca_assets.warehouse.read import connect
from nca_assets.warehouse.sql_text import literal

FORMATS = {"csv": "FORMAT csv, HEADER", "json": "FORMAT json, ARRAY", "parquet": "FORMAT parquet, COMPRESSION zstd"}


DAMAGE = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
"""What DuckDB raises for a damaged file."""


def first_rows(query: str, data: DataFolder, most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    """A query's column names and first ``most`` rows. Raises ``NcaError`` with DuckDB's message."""
    with querying(data) as connection:
        answer = ask(connection, query)
        return answer.columns, answer.limit(most).fetchall()


def write_answer(query: str, data: DataFolder, file_format: str, out: BinaryIO) -> None:
    """Write the result of ``query`` to ``out`` in one of ``FORMATS``; write nothing if the query fails.

    Raises ``NcaError`` with DuckDB's message.
    """
    # The querying connection can't write files, so a second one does.
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as writer:
        file = Path(folder) / "answer"
        with querying(data, lossless_arrow=True, into=file) as connection:
            answer = ask(connection, query).to_arrow_reader()
            writer.register("answer", answer)
            writer.execute(f"COPY answer TO {literal(str(file))} ({FORMATS[file_format]})")
        with file.open("rb") as written:
            shutil.copyfileobj(written, out)


def whole_table(query: str, data: DataFolder, then: str = "") -> pl.DataFrame:
    """The whole result of ``query`` or, given ``then``, of that trusted query over it under the name ``answer``.

    Raises ``NcaError`` with DuckDB's message.
    """
    with querying(data) as connection:
        asked = ask(connection, query)
        return (asked.query("answer", then) if then else asked).pl()


@contextmanager
def querying(
    data: DataFolder, lossless_arrow: bool = False, into: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one query under the settings' limits; ``into`` is the file that its result is written to.

    Raises ``NcaError`` with DuckDB's message, or with the limit that was exceeded.
    """
    with connect(data, lossless_arrow) as connection, limited(connection, into), as_query_error(), _as_damage(data):
        yield connection


@contextmanager
def _as_damage(data: DataFolder) -> Iterator[None]:
    """Turn DuckDB's error about a damaged file into ``DamageError`` that names it."""
    try:
        yield
    except DAMAGE as error:
        if isinstance(error, duckdb.IOException) and "Corrupt" not in str(error):
            raise
        file, reason = data.warehouse_file(), str(error).splitlines()[0]
        raise DamageError(f"{file} is damaged ({reason}): materialize the 'analytics' assets again") from error


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation:
    """The result of ``query``, evaluated lazily. Raises ``NcaError`` unless it is a single SELECT-like query."""
    _require_text(query)
    kinds = [_kind(statement) for statement in connection.extract_statements(query)]
    # DuckDB 1 precedes a PIVOT with statements that create its types; DuckDB 2 reports both together as MULTI.
    if not kinds or kinds[-1] not in ("SELECT", "MULTI") or any(kind != "its own CREATE" for kind in kinds[:-1]):
        given = kinds[0] if len(kinds) == 1 else f"{len(kinds)} statements"
        raise NcaError(f"give one query that selects, like 'FROM behavior_summary', not {given}")
    return connection.sql(query)


def _kind(statement: duckdb.Statement) -> str:
    try:
        kind = statement.type.name
    except ValueError:  # DuckDB 2 has kinds unknown to its Python package, like UPDATE EXTENSIONS
        return "a statement of another kind"
    return "its own CREATE" if kind == "CREATE" and not statement.query else kind


def parenthesized(condition: str) -> str:
    """An SQL condition in parentheses that it can't break out of. Raises ``NcaError`` if it is anything else."""
    _require_text(condition)
    with as_query_error():
        duckdb.SQLExpression(condition)
    return f"(\n{condition}\n)"


def _require_text(sql: str) -> None:
    # DuckDB stops at a NUL, and Python's surrogates for bytes that aren't UTF-8 can't be passed to it.
    if re.search("[\0\ud800-\udfff]", sql):
        raise NcaError("the SQL contains a NUL, or bytes that are not UTF-8: write it as UTF-8 text")


@contextmanager
def as_query_error() -> Iterator[None]:
    """Turn DuckDB's errors into ``NcaError``, with a hint about renamed columns, and its interruption by Ctrl-C into
    ``KeyboardInterrupt``."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        message = str(error).splitlines()[0]
        raise NcaError(f"DuckDB: {message}. Queries stay in memory; NCA_SQL_MEMORY_GB is the limit.") from error
    except duckdb.Error as error:
        raise NcaError(f"DuckDB: {error}{_renamed(str(error))}") from error
    except RuntimeError as error:
        raise KeyboardInterrupt if str(error) == "Query interrupted" else error from None


def _renamed(message: str) -> str:
    """A hint if ``message`` is about a missing column that has been renamed."""
    for name, old in OLD_NAMES.items():
        if re.search(rf'column (named )?"{old}"', message):
            return f"\nThe column {old} is now called {name}; labels_old_names has the old names."
    return ""
