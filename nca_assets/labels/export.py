"""The labels as CSV files with the original dataset's names, one a set."""

from __future__ import annotations

import polars as pl

from nca_assets.errors import NcaError
from nca_assets.files import whole_file
from nca_assets.naming import SETS, csv_file, materialized_labels
from nca_assets.storage import Stored, local_copies


def export_csv(data: Stored) -> dict[Stored, int]:
    """Write ``dataset_labels_set.csv`` and so on for every set that has labels; returns the rows in each file.

    Rows are in order of set, index. Raises ``NcaError`` if there are no labels, or a part is damaged.
    """
    keys = materialized_labels(data)
    if not keys:
        raise NcaError(f"{data / 'labels'} holds no labels: materialize partitions of behavior_labels first")
    written = {}
    for name in SETS:
        parts = [key.labels_file(data) for key in keys if key.set == name]
        if parts:
            try:
                table = pl.read_parquet(local_copies(parts), hive_partitioning=False).sort("index")
            except (pl.exceptions.PolarsError, OSError) as error:
                raise NcaError(f"labels of {name} can't be read ({error}): materialize them again") from error
            with whole_file(csv_file(name, data)) as file:
                table.write_csv(file)
            written[csv_file(name, data)] = len(table)
    return written
