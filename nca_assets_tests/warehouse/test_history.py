"""The history on disk holds events as they were."""

from dataclasses import asdict
from datetime import datetime

import polars as pl

from nca_assets.data_folder import DataFolder
from nca_assets.warehouse.history import Event, append_history, history_files
from nca_assets_tests.conftest import local


def test_every_field_of_an_event_is_kept(data: DataFolder) -> None:
    event = Event(
        event=7, asset="rollout_shards", partition_key="set1-00000", time=datetime(2026, 1, 2, 3, 4, 5, 6), run_id="r",
        code_version="1", data_version="d", inputs={"centroids": "c"}, device="cpu", seconds=1.5, tokens_per_second=2.5,
    )  # fmt: skip
    append_history([event], data)
    [file] = history_files(data)
    [row] = pl.read_parquet(local(file)).to_dicts()
    assert row | {"inputs": {each["key"]: each["value"] for each in row["inputs"]}} == asdict(event)
