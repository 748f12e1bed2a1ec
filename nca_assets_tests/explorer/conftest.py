"""Four shards of four rollouts and an imported set, labelled, with a warehouse; the tests do not change them."""

from collections.abc import Iterator

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets_tests.conftest import labelled_shards
from nca_assets_tests.labels.imported import build_with_noise

KEYS = [ShardKey(name, number) for name in ("set1", "set2") for number in (0, 8)]


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    folder = tmp_path_factory.mktemp("explored")
    with labelled_shards(folder, KEYS) as data:
        build_with_noise(data, folder)
        yield data
