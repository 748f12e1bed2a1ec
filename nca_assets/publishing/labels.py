"""The labels of a set, shard by shard, checked against the warehouse; and as CSV under the original's names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.labels.export import write_rows
from nca_assets.labels.table import read_table
from nca_assets.remedies import relabel
from nca_assets.store.location import Stored
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.sql_text import literal


def checked_labels(keys: Iterable[ShardKey], data: DataFolder) -> Iterator[pl.DataFrame]:
    """The labels of each shard, in order of index.

    Raises ``NcaError`` naming the shard if its label part can't be read, or differs from the warehouse.
    """
    for key in keys:
        part = data.labels_file(key)
        table, _ = read_table(part, data, relabel(key))
        query = f"FROM labels WHERE set_name = {literal(key.set)} AND shard = {key.number} ORDER BY rollout_index"
        if not table.equals(whole_table(query, data)):
            raise NcaError(
                f"{part} differs from the warehouse: materialize partition {key} of behavior_labels, then the "
                "'analytics' assets again"
            )
        yield table


def write_csv(keys: Iterable[ShardKey], file: Stored, data: DataFolder) -> None:
    """Write the labels of a set's shards like ``export_csv``, but one shard at a time."""
    with file.open("wb") as out:
        write_rows(checked_labels(keys, data), out)
