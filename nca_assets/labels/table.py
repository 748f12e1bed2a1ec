"""Our columns as Polars knows them, and writing tables as Parquet files that appear whole."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import polars as pl

from nca_assets.files import whole_file
from nca_assets.labels.schema import Column
from nca_assets.storage import Stored

POLARS_TYPES = {
    "VARCHAR": pl.String,
    "BIGINT": pl.Int64,
    "INTEGER": pl.Int32,
    "SMALLINT": pl.Int16,
    "DOUBLE": pl.Float64,
    "USMALLINT[]": pl.List(pl.UInt16),
}


def polars_schema(columns: tuple[Column, ...]) -> dict[str, Any]:
    """The Polars type of each column, by its name."""
    return {column.name: POLARS_TYPES[column.type] for column in columns}


def to_table(rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> pl.DataFrame:
    """Rows under a schema of ours."""
    return pl.DataFrame(rows, schema=polars_schema(columns))


def write_table(table: pl.DataFrame, path: Stored, metadata: Mapping[str, str] | None = None) -> None:
    """Write ``table`` to ``path``, with ``metadata`` in the file. Raises ``NcaError`` if the disk refuses."""
    # In memory first: what Polars raises when a disk is full is no OSError.
    content = io.BytesIO()
    table.write_parquet(content, compression="zstd", metadata=dict(metadata or {}))
    with whole_file(path) as file:
        file.write(content.getbuffer())
