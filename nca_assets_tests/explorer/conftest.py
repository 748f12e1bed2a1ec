"""Four shards of four rollouts and an imported set, labelled, with two collections; the tests do not change them."""

from collections.abc import Iterator

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.collections import freeze
from nca_assets.warehouse.illumination import Illumination
from nca_assets_tests.conftest import labelled_shards
from nca_assets_tests.labels.imported import build_with_noise

KEYS = [ShardKey(name, number) for name in ("set1", "set2") for number in (0, 8)]


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    folder = tmp_path_factory.mktemp("explored")
    with labelled_shards(folder, KEYS) as data:
        build_with_noise(data, folder)
        freeze("few", "SELECT rollout_id FROM labels WHERE rollout_index % 4 = 1", data)
        freeze("varied", "SELECT rollout_id FROM labels WHERE set_name = 'set2'", data, Illumination(3))
        build_warehouse(data, only=["collections", "collection_rollouts"])
        yield data
