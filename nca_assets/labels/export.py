"""The labels as CSV files with the original dataset's names, one a set."""

from __future__ import annotations

import logging

import polars as pl

from nca_assets.errors import NcaError
from nca_assets.files import whole_file
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.labels.table import polars_schema, sound_tables
from nca_assets.naming import SETS, csv_file, materialized_labels
from nca_assets.remedies import relabel
from nca_assets.storage import Stored

log = logging.getLogger(__name__)


def export_csv(data: Stored) -> dict[Stored, int]:
    """Write ``dataset_labels_set.csv`` and so on for every set that has labels; returns the rows in each file.

    Rows are in order of set, index. Damaged parts are left out, with a line in the log. Raises ``NcaError`` if there
    are no labels, or all parts are damaged.
    """
    keys = materialized_labels(data)
    if not keys:
        raise NcaError(f"{data / 'labels'} holds no labels: materialize partitions of behavior_labels first")
    written = {}
    for name in SETS:
        parts = {key.labels_file(data): relabel(key) for key in keys if key.set == name}
        sound, damaged = sound_tables(parts, data, polars_schema(LABEL_COLUMNS))
        for reason in damaged.values():
            log.warning("left out of %s: %s", csv_file(name, data), reason)
        if sound:
            table = pl.read_parquet(sound, hive_partitioning=False).sort("rollout_index")
            with whole_file(csv_file(name, data)) as file:
                table.write_csv(file)
            written[csv_file(name, data)] = len(table)
    if not written:
        raise NcaError(f"{data / 'labels'} holds no sound labels: materialize partitions of behavior_labels again")
    return written
