"""A small data folder with a file of every kind, made once for all tests here, which spoil copies of it."""

import dataclasses
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.labels.table import polars_schema, write_table
from nca_assets.labels.write import write_labels
from nca_assets.project import Project
from nca_assets.settings import Resources, load
from nca_assets.shards.imported import register
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.catalog import SCORE_COLUMNS
from nca_assets.warehouse.collections import freeze
from nca_assets.warehouse.history import Event, append_history
from nca_assets_tests.conftest import GOLDEN, local

KEYS = [ShardKey("set1", n) for n in range(4)] + [ShardKey("set2", n) for n in range(2)]


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    """Six shards of one rollout and two imported ones, labelled; two collections, two files of history, scores."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in {"DATA": str(folder / "data"), "SHARD_SIZE": "1", "FRAMES": "129"}.items():
            monkeypatch.setenv(f"NCA_{name}", value)
        data, resources = Project.load().writable_data(), load(Resources)
        vocabulary = read_centroids(GOLDEN / "centroids.pt")
        save_centroids(vocabulary, data, "learned")
        for key in KEYS:
            write_shard(key, vocabulary, data, resources)
            write_labels(key, data, resources)
        for number in range(2):
            movie = np.random.default_rng(number).integers(0, 9, (129, 6, 7), dtype=np.uint8)
            np.savez_compressed(folder / f"{number}.npz", allow_pickle=False, movie=movie)
            register(ShardKey("life", number), folder / f"{number}.npz", data)
            write_labels(ShardKey("life", number), data, resources)
        write_table(pl.DataFrame(schema=polars_schema(SCORE_COLUMNS)), data.scores_file, data)
        for n, asset in enumerate(("rollout_shards", "behavior_labels")):
            append_history([event(asset, str(key), n) for key in KEYS], data)
        build_warehouse(data)
        for name in ("a", "b"):
            freeze(name, "SELECT rollout_id FROM labels", data)
        build_warehouse(data)
        assert len(data.labelled_shards()) == len(KEYS) + 2
        yield data


def event(asset: str, partition: str, number: int) -> Event:
    return Event(number, asset, partition, datetime(2026, 1, 1), f"run {number}", "1", None, {}, None, 1.0, None)


@pytest.fixture
def copy(whole: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A copy that a test may spoil."""
    root = shutil.copytree(local(whole.root), tmp_path / "data")
    monkeypatch.setenv("NCA_DATA", str(root))
    return dataclasses.replace(whole, root=root)
