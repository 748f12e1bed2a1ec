"""What was materialized, when and from what, as Parquet files that only grow: the orchestrator's events, copied.

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
from nca_assets.store.location import Stored
from nca_assets.store.seal import sound_copies
from nca_assets.store.store import names
from nca_assets.warehouse.catalog import EVENT_COLUMNS

RECOPY = "remove it, and what Dagster still has of its newest events is copied again"

MAX_FILES = 64
"""Once there are so many, they are merged into one."""

TYPES = POLARS_TYPES | {
    "TIMESTAMP": pl.Datetime("us"),
    "MAP(VARCHAR, VARCHAR)": pl.List(pl.Struct({"key": pl.String, "value": pl.String})),
}

HISTORY_SCHEMA = {"event": pl.Int64} | {column.name: TYPES[column.type] for column in EVENT_COLUMNS}

IDENTITY = ["run_id", "asset", "partition_key", "time"]
"""What no two events share, whichever instance they are from."""


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
    """The files that hold the history, each with what to do if it is damaged."""
    folder = data / "history"
    files = sorted(match.string for match in named(r"[0-9a-f]{32}\.parquet", names(folder), folder))
    return {folder / name: RECOPY for name in files}


def append_history(events: list[Event], data: DataFolder) -> None:
    """Add those of ``events`` that are not there yet, in a file of their own."""
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


def last_events(data: DataFolder) -> dict[str, tuple[int, str]]:
    """Of each asset, the number and run of the event copied last."""
    files, _ = sound_copies(history_files(data), data.root)
    if not files:
        return {}
    # By time, since another instance counts its events anew.
    latest = _read(files).sort("time", "event").group_by("asset").agg(pl.last("event"), pl.last("run_id"))
    return {asset: (event, run_id) for asset, event, run_id in latest.iter_rows()}


def merge_history(data: DataFolder) -> None:
    """Make one file of many; the caller sees to it that no one else reads or merges meanwhile."""
    files = history_files(data)
    if len(files) < MAX_FILES:
        return
    copies, damaged = sound_copies(files, data.root)
    # A crash in between leaves copies that overlap, as any two may.
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
    write_table(rows, data / "history" / f"{uuid4().hex}.parquet", data)
