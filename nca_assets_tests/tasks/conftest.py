"""Sixteen shards of four rollouts on the smallest grids, labelled, with a warehouse; the tests do not change them."""

from collections.abc import Iterator

import pytest

from nca_assets.labels.write import write_labels
from nca_assets.naming import ShardKey
from nca_assets.settings import Settings, load_settings
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.conftest import GOLDEN


@pytest.fixture(scope="package")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("NCA_DATA", str(tmp_path_factory.mktemp("tasks") / "data"))
        settings = load_settings()
        settings.data.mkdir()
        centroids = read_centroids(GOLDEN / "centroids.pt")
        save_centroids(centroids, settings.data, "learned")
        for number in range(16):
            write_shard(ShardKey("set1", number), centroids, settings)
            write_labels(ShardKey("set1", number), settings)
        build_warehouse(settings.data)
        yield settings
