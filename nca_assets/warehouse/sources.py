"""Inputs of the tables, as SQL variables: sound files on disk, damage of the others, and current versions."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError, TransientError
from nca_assets.ids import ShardKey, tokens_name
from nca_assets.labels.schema import CURVE_SUM_COLUMNS, IDENTITY, LABEL_COLUMNS
from nca_assets.labels.table import polars_schema, sound_tables
from nca_assets.remedies import RESCORE, relabel, remake
from nca_assets.shards.findings import recorded_findings
from nca_assets.store.location import Stored, parse_location
from nca_assets.store.seal import sound_copies
from nca_assets.store.store import names, sizes
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION
from nca_assets.vocabulary.current import current_digest
from nca_assets.warehouse.catalog import BOARD_COLUMNS, SCORE_COLUMNS
from nca_assets.warehouse.collections import COLLECTION_SCHEMA, collection_files, recollect
from nca_assets.warehouse.history import HISTORY_SCHEMA, history_files
from nca_assets.warehouse.history import IDENTITY as EVENT_IDENTITY
from nca_assets.warehouse.sql_text import literal
from nca_assets.warehouse.unreadable import Unreadable, unreadable_folders

log = logging.getLogger(__name__)

CURRENT = "STRUCT(recipe_version INTEGER, label_version INTEGER, centroids_digest VARCHAR)"
DISK = "STRUCT(shard_key VARCHAR, token_bytes BIGINT)[]"
DAMAGED = "STRUCT(asset VARCHAR, partition_key VARCHAR, reason VARCHAR)[]"
UNREADABLE = "STRUCT(asset VARCHAR, pattern VARCHAR, reason VARCHAR)[]"

SCHEMAS: dict[str, dict[str, Any]] = {
    "label_files": polars_schema(LABEL_COLUMNS),
    "curve_sum_files": polars_schema(CURVE_SUM_COLUMNS),
    "history_files": HISTORY_SCHEMA,
    "score_files": polars_schema(SCORE_COLUMNS),
    "board_files": polars_schema(BOARD_COLUMNS),
    "collection_files": COLLECTION_SCHEMA,
}
"""The columns of Parquet files, by the name of the variable that lists them. An empty file with these is first in each
list. DuckDB takes the columns from it, since files of other releases have others; nor does it read an empty list."""

NEEDED: Mapping[str, Collection[str]] = {
    **SCHEMAS,
    "label_files": IDENTITY,
    "history_files": EVENT_IDENTITY,
    "score_files": ("model", "horizon", "rollout_id"),
    "board_files": ("board", "value", "horizon", "model"),
}
"""The columns without which a file is left out; of curve sums all, since a mean over some of them would be wrong."""

MENTIONED = 3
"""Maximum number of damaged files named in the log."""


@dataclass(frozen=True)
class Source:
    """An input file of tables, its asset and partition, and the remedy if it is damaged."""

    file: Stored
    asset: str
    partition_key: str | None
    remedy: str


@dataclass(frozen=True)
class StalePartition:
    """A partition that is damaged or out of date, and why."""

    asset: str
    partition_key: str | None
    reason: str


def find_sources(data: DataFolder) -> dict[str, list[Source]]:
    """The input files of tables under ``data``, sound or not, by the name of their variable.

    Raises ``NcaError`` if a folder can't be read, unless ``data`` is being surveyed.
    """
    labels, shards = data.labelled_shards(), [*data.shards(), *data.imported_shards()]
    summed = set(data.summed_shards()).intersection(labels)
    scored = {"score_files": data.scores_file, "board_files": data.boards_file}
    of_tasks = set(names(data.scores_file.parent))
    return {
        "label_files": [_of_labels(key, data.labels_file(key)) for key in labels],
        "curve_sum_files": [_of_labels(key, data.curve_sums_file(key)) for key in sorted(summed)],
        "manifests": [Source(data.manifest_file(key), key.shards_asset, str(key), remake(key)) for key in shards],
        "history_files": [
            Source(file, "analytics/materializations", None, remedy) for file, remedy in history_files(data).items()
        ],
        **{
            name: [Source(file, "long_horizon_baselines", None, RESCORE)] * (file.name in of_tasks)
            for name, file in scored.items()
        },
        "collection_files": [
            Source(file, "collections", file.parent.name, recollect(file)) for file in collection_files(data)
        ],
    }


def require_sources(found: Mapping[str, list[Source]], data: DataFolder) -> None:
    """Raise ``NcaError`` if there are neither labels nor shards among the sources ``found``."""
    if not found["label_files"] and not found["manifests"]:
        raise NcaError(f"no labeled shards in {data}: materialize rollout_shards and behavior_labels first")


def set_variables(
    connection: duckdb.DuckDBPyConnection,
    data: DataFolder,
    scratch: Path,
    found: Mapping[str, list[Source]],
    unreadable: Mapping[Path, str],
) -> set[Stored]:
    """Set the variables of ``connection`` to the sources ``found`` in ``data``, leaving out damaged files, which are
    returned; ``scratch`` is a folder for empty files, ``unreadable`` as given by the survey of ``data``.
    """
    damaged: list[StalePartition] = []
    imported: dict[str, Path] = {}
    left_out: set[Stored] = set()
    for name, sources in found.items():
        remedies = {source.file: source.remedy for source in sources}
        if name in SCHEMAS:
            sound, wrong = sound_tables(remedies, data, NEEDED[name])
            empty = scratch / f"{name}.parquet"
            pl.DataFrame(schema=SCHEMAS[name]).write_parquet(empty)
        else:
            sound, wrong = sound_copies(remedies, data.root)
            empty = scratch / f"{name}.json"
            empty.write_text("[]", encoding="utf-8")
        left_out |= wrong.keys()
        damaged += [StalePartition(s.asset, s.partition_key, wrong[s.file]) for s in sources if s.file in wrong]
        if name == "manifests":
            there = [source for source in sources if source.file not in wrong]
            imported = {
                str(source.partition_key): copy
                for source, copy in zip(there, sound, strict=True)
                if source.asset == "imported_shards"
            }
        set_variable(connection, name, "VARCHAR[]", [str(file) for file in [empty, *sound]])
    if damaged:
        some = "; ".join(damage.reason for damage in damaged[:MENTIONED])
        log.warning("damaged files are left out (%d): %s%s", len(damaged), some, "; …" * (len(damaged) > MENTIONED))
    damaged += _verification_findings(data)
    folders = unreadable_folders(data, unreadable)
    damaged += _missing_sums(data, folders)
    set_variable(connection, "current", CURRENT, _current(data))
    set_variable(connection, "disk", DISK, _disk(data, imported))
    set_variable(connection, "damaged", DAMAGED, [asdict(damage) for damage in dict.fromkeys(damaged)])
    for folder in folders:
        log.warning("%s What is in it is left out.", folder.reason)
    rows = [
        {"asset": asset, "pattern": folder.pattern, "reason": folder.reason}
        for folder in folders
        for asset in folder.assets
    ]
    set_variable(connection, "unreadable", UNREADABLE, rows)
    return left_out


def set_variable(connection: duckdb.DuckDBPyConnection, name: str, type_name: str, value: object) -> None:
    """Set a variable to a JSON value, ten times faster than a parameter, for which DuckDB imports pandas if installed
    and converts item by item."""
    connection.execute(f"SET VARIABLE {name} = {literal(json.dumps(value))}::JSON::{type_name}")


def _of_labels(key: ShardKey, file: Stored) -> Source:
    return Source(file, key.labels_asset, str(key), relabel(key))


def _missing_sums(data: DataFolder, unreadable: Collection[Unreadable]) -> Iterator[StalePartition]:
    """The label parts without curve sums, which are not in an ``unreadable`` folder either."""
    summed = set(data.summed_shards())
    for key in data.labelled_shards():
        if key not in summed and not any(folder.may_hold(key.labels_asset, str(key)) for folder in unreadable):
            yield StalePartition(key.labels_asset, str(key), f"{data.curve_sums_file(key)} is missing: {relabel(key)}")


def _verification_findings(data: DataFolder) -> Iterator[StalePartition]:
    """Verification findings about present shards and labels."""
    findings = recorded_findings(data)
    if not findings:
        return
    for key in [*data.shards(), *data.imported_shards()]:
        if finding := findings.get(str(key)):
            yield StalePartition(key.shards_asset, str(key), finding)
    for key in data.labelled_shards():
        if finding := findings.get(f"{key}.labels"):
            yield StalePartition(key.labels_asset, str(key), finding)


def _current(data: DataFolder) -> dict[str, Any]:
    return {
        "recipe_version": RECIPE_VERSION,
        "label_version": LABEL_VERSION,
        "centroids_digest": current_digest(data),
    }


def _disk(data: DataFolder, imported: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The size in bytes of each shard's file, None if it is missing. ``imported`` has a copy of each imported manifest.

    Folders are listed, since in a bucket a look at each file would be a request.
    """
    there = {name: sizes(data / rollout_set.folder) for name, rollout_set in data.sets.items()}
    found = {str(key): there[key.set].get(tokens_name(key.number)) for key in data.shards()}
    sources = {key: parse_location(json.loads(manifest.read_bytes())["source"]) for key, manifest in imported.items()}
    in_folders = {folder: _sizes(folder) for folder in {source.parent for source in sources.values()}}
    found |= {key: in_folders[source.parent].get(source.name) for key, source in sources.items()}
    return [{"shard_key": key, "token_bytes": size} for key, size in found.items()]


def _sizes(folder: Stored) -> dict[str, int]:
    """Like ``sizes``, but empty for an unreadable folder, since imported shards may lie anywhere."""
    try:
        return sizes(folder)
    except TransientError:
        raise
    except NcaError:
        return {}
