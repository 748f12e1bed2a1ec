"""The history of materializations: the orchestrator's events, copied to append-only Parquet files.

An event may be in two files; the table ``materializations`` has it once. Not here: reading the events
(``orchestration/instance/history``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import polars as pl

from nca_assets.data_folder import DataFolder, named
from nca_assets.labels.table import POLARS_TYPES, write_table
from nca_assets.store.local import passing_over_unreadable
from nca_assets.store.location import Stored
from nca_assets.store.seal import sound_copies
from nca_assets.store.store import names, remove_leftovers
from nca_assets.warehouse.catalog import EVENT_COLUMNS

RECOPY = "remove it; recent events still in Dagster will be copied again"

MAX_FILES = 64
"""At this number, the files are merged into one."""

TYPES = POLARS_TYPES | {
    "TIMESTAMP": pl.Datetime("us"),
    "MAP(VARCHAR, VARCHAR)": pl.List(pl.Struct({"key": pl.String, "value": pl.String})),
}

HISTORY_SCHEMA = {"event": pl.Int64} | {column.name: TYPES[column.type] for column in EVENT_COLUMNS}

IDENTITY = ["run_id", "asset", "partition_key", "event"]
"""The columns that identify an event across instances."""


@dataclass(frozen=True)
class Event:
    """One materialization: ``event`` is its number in the orchestrator's log, ``time`` is in UTC."""

    event: int
    asset: str
    partition_key: str | None
    time: datetime
    run_id: str
    code_version: str | None
    data_version: str | None
    inputs: dict[str, str]
    device: str | None
    seconds: float | None
    tokens_per_second: float | None


def history_files(data: DataFolder) -> dict[Stored, str]:
    """The history's files, each with the remedy if it is damaged."""
    folder = data / "history"
    files = sorted(match.string for match in named(r"[0-9a-f]{32}\.parquet", names(folder), folder))
    return {folder / name: RECOPY for name in files}


def append_history(events: list[Event], data: DataFolder) -> None:
    """Add the ``events`` that are not yet recorded, in a new file."""
    rows = [
        asdict(event) | {"inputs": [{"key": key, "value": value} for key, value in event.inputs.items()]}
        for event in events
    ]
    table = pl.DataFrame(rows, schema=HISTORY_SCHEMA)
    known, _ = sound_copies(history_files(data), data.root)
    if known:
        table = table.join(_read(known).select(IDENTITY), on=IDENTITY, how="anti", nulls_equal=True)
    if len(table):
        _write(table, data)


def last_events(data: DataFolder) -> dict[str, Event]:
    """The last event copied, by asset."""
    files, _ = sound_copies(history_files(data), data.root)
    if not files:
        return {}
    # By time, since each instance numbers its events from 1.
    latest = _read(files).sort("time", "event").group_by("asset").last()
    return {row["asset"]: Event(**{**row, "inputs": {}}) for row in latest.iter_rows(named=True)}


def merge_history(data: DataFolder) -> None:
    """Merge the files once there are many; the caller excludes concurrent reads and merges."""
    with passing_over_unreadable():
        files = history_files(data)
    if len(files) < MAX_FILES:
        return
    copies, damaged = sound_copies(files, data.root)
    # A crash before the unlinking leaves overlapping files, which is allowed.
    _write(_read(copies).unique(IDENTITY), data)
    for file in files.keys() - damaged.keys():
        file.unlink()


def _read(copies: list[Path]) -> pl.DataFrame:
    """Their events; what other releases wrote besides or left out is left out or null."""
    if not copies:
        return pl.DataFrame(schema=HISTORY_SCHEMA)
    return pl.scan_parquet(
        copies, schema=HISTORY_SCHEMA, hive_partitioning=False, missing_columns="insert", extra_columns="ignore"
    ).collect()


def _write(rows: pl.DataFrame, data: DataFolder) -> None:
    remove_leftovers(data / "history")
    write_table(rows, data / "history" / f"{uuid4().hex}.parquet", data)
