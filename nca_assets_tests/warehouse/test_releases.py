"""Files of other releases, with a column or an entry less or more, are built from until they are made again."""

import json
from collections.abc import Callable
from datetime import datetime

import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.labels.export import export_csv
from nca_assets.labels.parts import part_digest
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.labels.table import read_table, write_table
from nca_assets.labels.verify import verify_labels
from nca_assets.publishing.labels import checked_labels
from nca_assets.shards.manifest import read_manifest
from nca_assets.store.location import Stored
from nca_assets.store.seal import read_sealed, write_sealed
from nca_assets.versions import LABEL_VERSION
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.history import Event, append_history, history_files, last_events
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import KEYS_OF_LABELLED

KEY = ShardKey("set2", 1)

Change = Callable[[pl.DataFrame], pl.DataFrame]

CHANGES: dict[str, Change] = {
    "a column less": lambda table: table.drop("clear_tokens"),
    "columns in another order": lambda table: table.select(reversed(table.columns)),
    "a column more": lambda table: table.with_columns(novel=pl.lit(0.5)),
}


def rows(data: DataFolder, query: str) -> list[tuple]:
    with connect(data) as connection:
        return connection.execute(query).fetchall()


def rewrite(file: Stored, data: DataFolder, change: Change, **lineage: str) -> None:
    table, metadata = read_table(file, data, "")
    write_table(change(table), file, data, metadata | lineage)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("keys", [KEYS_OF_LABELLED, KEYS_OF_LABELLED[:1], KEYS_OF_LABELLED[1:]], ids=str)
def test_a_label_part_of_another_release_is_in_the_warehouse_and_stale(
    labelled: DataFolder, change: str, keys: tuple[ShardKey, ...]
) -> None:
    for key in keys:
        rewrite(labelled.labels_file(key), labelled, CHANGES[change], label_version="1")
    build_warehouse(labelled)
    lacking = len(keys) * labelled.shard_size if change == "a column less" else 0
    assert rows(labelled, "SELECT count(*), count(*) - count(clear_tokens) FROM labels") == [(8, lacking)]
    columns = rows(labelled, "SELECT column_name FROM duckdb_columns() WHERE table_name = 'labels'")
    assert columns == [(column.name,) for column in LABEL_COLUMNS]
    assert rows(labelled, "SELECT asset, partition_key, reason FROM stale_partitions") == [
        ("behavior_labels", str(key), f"label_version 1 → {LABEL_VERSION}") for key in keys
    ]


@pytest.mark.parametrize("change", CHANGES)
def test_labels_of_another_release_are_exported_with_our_columns(labelled: DataFolder, change: str) -> None:
    rewrite(labelled.labels_file(KEY), labelled, CHANGES[change])
    for file in export_csv(labelled):
        assert pl.read_csv(str(file)).columns == [column.name for column in LABEL_COLUMNS]


@pytest.mark.parametrize("change", CHANGES)
def test_labels_of_another_release_verify(labelled: DataFolder, change: str) -> None:
    labels, _ = read_table(labelled.labels_file(KEY), labelled, "")
    curves, _ = read_table(labelled.curves_file(KEY), labelled, "")
    digest = part_digest(CHANGES[change](labels), curves)
    rewrite(labelled.labels_file(KEY), labelled, CHANGES[change], digest=digest)
    assert verify_labels(KEY, labelled)


@pytest.mark.parametrize("change", CHANGES)
def test_labels_of_another_release_are_not_published(labelled: DataFolder, change: str) -> None:
    rewrite(labelled.labels_file(KEY), labelled, CHANGES[change])
    build_warehouse(labelled)
    with pytest.raises(NcaError, match="differs from the warehouse: materialize partition set2-00001"):
        list(checked_labels([KEY], labelled))


def test_a_manifest_of_a_newer_release_is_read(labelled: DataFolder) -> None:
    before = read_manifest(KEY, labelled)
    content = json.loads(read_sealed(labelled.manifest_file(KEY), labelled.root, ""))
    newer = content | {"novel": 1, "members": [member | {"novel": 2} for member in content["members"]]}
    write_sealed(json.dumps(newer).encode(), labelled.manifest_file(KEY), labelled.root)
    now = read_manifest(KEY, labelled)
    assert now.model_dump(exclude={"seal"}) == before.model_dump(exclude={"seal"})
    build_warehouse(labelled)
    assert rows(labelled, "SELECT rollouts FROM shards") == [(4,), (4,)]
    assert rows(labelled, "FROM stale_partitions") == []


@pytest.mark.parametrize("change", CHANGES)
def test_the_history_of_another_release_goes_on(labelled: DataFolder, change: str) -> None:
    def event(number: int) -> Event:
        time = datetime(2026, 1, 1, 0, number)
        return Event(number, "other", None, time, "run", None, None, {}, None, 1.0, 2.0)

    append_history([event(1)], labelled)
    [file] = history_files(labelled)
    less: Change = lambda table: table.drop("seconds")  # noqa: E731
    rewrite(file, labelled, less if change == "a column less" else CHANGES[change])
    append_history([event(1), event(2)], labelled)
    assert last_events(labelled)["other"].event == 2
    build_warehouse(labelled)
    seconds = None if change == "a column less" else 1.0
    assert rows(labelled, 'SELECT seconds FROM materializations ORDER BY "time"') == [(seconds,), (1.0,)]


@pytest.mark.parametrize("change", ["columns in another order", "a column more"])
def test_curve_sums_of_another_release_are_summed(labelled: DataFolder, change: str) -> None:
    build_warehouse(labelled)
    before = rows(labelled, "FROM frame_curves")
    for key in KEYS_OF_LABELLED[:1]:
        rewrite(labelled.curve_sums_file(key), labelled, CHANGES[change])
    build_warehouse(labelled)
    assert rows(labelled, "FROM frame_curves") == before
