"""What the tables are built from: the files on disk, and what is present now, as variables that the SQL files read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from nca_assets.errors import NcaError
from nca_assets.labels.schema import CURVE_SUM_COLUMNS, LABEL_COLUMNS
from nca_assets.labels.table import polars_schema
from nca_assets.naming import SETS, imported_shards, materialized_labels, materialized_shards, scores_file
from nca_assets.shards.findings import noted_findings
from nca_assets.shards.imported import read_imported_manifest
from nca_assets.storage import Stored, local_copies, sizes
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION
from nca_assets.vocabulary.origin import present_digest
from nca_assets.warehouse.catalog import SCORE_COLUMNS
from nca_assets.warehouse.collections import COLLECTION_SCHEMA, collection_files
from nca_assets.warehouse.history import HISTORY_SCHEMA, history_files
from nca_assets.warehouse.read import literal

PRESENT = "STRUCT(recipe_version INTEGER, label_version INTEGER, centroids_digest VARCHAR)"
DISK = "STRUCT(shard_key VARCHAR, token_bytes BIGINT, finding VARCHAR)[]"


@dataclass(frozen=True)
class Source:
    """Files of one kind, and what an empty one looks like: DuckDB reads no empty list of files."""

    files: list[Stored]
    empty: dict[str, Any] | None
    """A Parquet schema, or None for JSON."""


def find_sources(data: Stored) -> dict[str, Source]:
    """The files under ``data`` that tables are made from, by the name of their variable.

    Raises ``NcaError`` if there are neither labels nor shards.
    """
    labels = materialized_labels(data)
    shards, imported = materialized_shards(data), imported_shards(data)
    if not labels and not shards and not imported:
        raise NcaError(f"{data} holds no labelled shards: materialize rollout_shards and behavior_labels first")
    return {
        "label_files": Source([key.labels_file(data) for key in labels], polars_schema(LABEL_COLUMNS)),
        "curve_sum_files": Source(
            [file for key in labels if (file := key.curve_sums_file(data)).exists()], polars_schema(CURVE_SUM_COLUMNS)
        ),
        "manifests": Source([key.manifest_file(data) for key in shards], None),
        "imported_manifests": Source([key.manifest_file(data) for key in imported], None),
        "history_files": Source(history_files(data), HISTORY_SCHEMA),
        "score_files": Source([file for file in [scores_file(data)] if file.exists()], polars_schema(SCORE_COLUMNS)),
        "collection_files": Source(collection_files(data), COLLECTION_SCHEMA),
    }


def set_variables(connection: duckdb.DuckDBPyConnection, data: Stored, scratch: Path) -> None:
    """Tell ``connection`` what to build from; ``scratch`` is a folder for stand-ins of kinds that have no file yet."""
    for name, source in find_sources(data).items():
        files = local_copies(source.files) or [_empty_file(scratch / name, source.empty)]
        set_variable(connection, name, "VARCHAR[]", [str(file) for file in files])
    set_variable(connection, "present", PRESENT, _present(data))
    set_variable(connection, "disk", DISK, _disk(data))


def set_variable(connection: duckdb.DuckDBPyConnection, name: str, type_name: str, value: object) -> None:
    """Set a variable to what JSON can say, which takes a tenth of the time that a parameter does: for one, DuckDB
    imports pandas wherever that is installed, and converts item by item."""
    connection.execute(f"SET VARIABLE {name} = {literal(json.dumps(value))}::JSON::{type_name}")


def _present(data: Stored) -> dict[str, Any]:
    return {
        "recipe_version": RECIPE_VERSION,
        "label_version": LABEL_VERSION,
        "centroids_digest": present_digest(data),
    }


def _disk(data: Stored) -> list[dict[str, Any]]:
    """Of each shard that has a manifest, the size of its file (None if missing) and what is known to be wrong."""
    findings = noted_findings(data)
    there = {rollout_set.name: sizes(data / rollout_set.folder) for rollout_set in SETS.values()}
    found = {str(key): there[key.set].get(key.tokens_file(data).name) for key in materialized_shards(data)}
    found |= {str(key): _size(Path(read_imported_manifest(key, data).source)) for key in imported_shards(data)}
    return [{"shard_key": key, "token_bytes": size, "finding": findings.get(key)} for key, size in found.items()]


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return None


def _empty_file(path: Path, schema: dict[str, Any] | None) -> Path:
    if schema is None:
        path.write_text("[]")
    else:
        pl.DataFrame(schema=schema).write_parquet(path)
    return path
