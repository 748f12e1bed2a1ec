"""Six labelled shards of four rollouts with a warehouse, made once for all tests here, which must not change them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nca_assets.labels.write import write_labels
from nca_assets.naming import ShardKey
from nca_assets.settings import Settings, load_settings
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.conftest import GOLDEN

KEYS = [ShardKey("set1", 0), ShardKey("set1", 1), ShardKey("set1", 3), *(ShardKey("set2", n) for n in range(3))]


@pytest.fixture(scope="package")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("NCA_DATA", str(tmp_path_factory.mktemp("loading") / "data"))
        settings = load_settings()
        settings.data.mkdir()
        centroids = read_centroids(GOLDEN / "centroids.pt")
        save_centroids(centroids, settings.data, "learned")
        for key in KEYS:
            write_shard(key, centroids, settings)
            write_labels(key, settings)
        build_warehouse(settings.data)
        yield settings


@pytest.fixture
def own_shards(shards: Settings, tmp_path: Path) -> Settings:
    """A copy that a test may damage."""
    from shutil import copytree

    return shards.model_copy(update={"data": copytree(shards.data, tmp_path / "copy")})
