"""The labels as CSV files with the original dataset's names, one per set."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import BinaryIO

import polars as pl

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.labels.schema import IDENTITY, LABEL_COLUMNS
from nca_assets.labels.table import polars_schema, sound_tables
from nca_assets.remedies import relabel
from nca_assets.store.location import Stored
from nca_assets.store.store import whole_file

log = logging.getLogger(__name__)

ROWS = 10_000
"""Rows written at a time."""


def export_csv(data: DataFolder) -> dict[Stored, int]:
    """Write ``dataset_labels_set.csv`` and so on for every set with labels; returns the number of rows by file.

    Rows are in order of index; columns that a part of another release lacks are empty. Damaged parts are skipped and
    logged. Raises ``NcaError`` if there are no labels, or all parts are damaged.
    """
    keys = data.labelled_shards()
    if not keys:
        raise NcaError(f"{data / 'labels'} holds no labels: materialize partitions of behavior_labels first")
    written = {}
    for name in data.sets:
        parts = {data.labels_file(key): relabel(key) for key in keys if key.set == name}
        sound, damaged = sound_tables(parts, data, IDENTITY)
        for reason in damaged.values():
            log.warning("left out of %s: %s", data.csv_file(name), reason)
        if sound:
            table = pl.scan_parquet(
                sound,
                schema=polars_schema(LABEL_COLUMNS),
                hive_partitioning=False,
                missing_columns="insert",
                extra_columns="ignore",
            ).collect()
            with whole_file(data.csv_file(name)) as file:
                write_rows(table.sort("rollout_index").iter_slices(ROWS), file)
            written[data.csv_file(name)] = len(table)
    if not written:
        raise NcaError(f"{data / 'labels'} holds no sound labels: materialize partitions of behavior_labels again")
    return written


def write_rows(tables: Iterable[pl.DataFrame], file: BinaryIO) -> None:
    """Write consecutive rows of one table as CSV, encoded here: a full disk that Polars writes to is no ``OSError``."""
    for number, rows in enumerate(tables):
        file.write(rows.write_csv(include_header=number == 0).encode())
