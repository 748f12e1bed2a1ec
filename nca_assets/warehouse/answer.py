"""Answers of queries: as rows, or as CSV, JSON or Parquet that DuckDB writes itself, whatever their size."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import polars as pl

from nca_assets.errors import NcaError
from nca_assets.storage import Stored
from nca_assets.warehouse.read import connect, literal

FORMATS = {"csv": "FORMAT csv, HEADER", "json": "FORMAT json, ARRAY", "parquet": "FORMAT parquet, COMPRESSION zstd"}


def first_rows(query: str, data: Stored, most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The columns of a query's answer, and its first ``most`` rows. Raises ``NcaError`` with DuckDB's message."""
    with connect(data) as connection, duckdbs_message():
        answer = ask(connection, query)
        return answer.columns, answer.limit(most).fetchall()


def write_answer(query: str, data: Stored, form: str, out: BinaryIO) -> None:
    """Write the answer of ``query`` to ``out`` in a format of ``FORMATS``. Raises ``NcaError`` with DuckDB's message.

    The query can read nothing but the warehouse, and write nothing but a temporary file of this function's own.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer"
        with connect(data, writable=file) as connection, duckdbs_message():
            ask(connection, query).query(
                "answer", f"COPY answer TO {literal(str(file))} ({FORMATS[form]}, USE_TMP_FILE false)"
            )
        with file.open("rb") as written:
            shutil.copyfileobj(written, out)


def whole_table(query: str, data: Stored) -> pl.DataFrame:
    """The whole answer of ``query``. Raises ``NcaError`` with DuckDB's message."""
    content = io.BytesIO()
    write_answer(query, data, "parquet", content)
    content.seek(0)
    return pl.read_parquet(content)


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation:
    """The answer of ``query``, not yet computed. Raises ``NcaError`` if it has none."""
    answer = connection.sql(query)
    if answer is None:
        raise NcaError("that query has no answer to show: give one that selects, like 'FROM behavior_summary'")
    return answer


@contextmanager
def duckdbs_message() -> Iterator[None]:
    """Turn DuckDB's errors into ``NcaError``, with their text."""
    try:
        yield
    except duckdb.Error as error:
        raise NcaError(f"DuckDB: {error}") from error
