"""Shards of two grids, without labels; made once for all tests here, which must not change them."""

from collections.abc import Iterator

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.loading.source import RolloutSource
from nca_assets.project import Project
from nca_assets.settings import Resources, load
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets_tests.conftest import GOLDEN, KEYS_OF_LABELLED


@pytest.fixture(scope="package")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    vocabulary = read_centroids(GOLDEN / "centroids.pt")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("NCA_DATA", str(tmp_path_factory.mktemp("sequences") / "data"))
        data = Project.load().writable_data()
        save_centroids(vocabulary, data, "learned")
        for key in KEYS_OF_LABELLED:
            write_shard(key, vocabulary, data, load(Resources))
        yield data


@pytest.fixture(scope="package")
def source(shards: DataFolder) -> RolloutSource:
    return RolloutSource.files(shards)
