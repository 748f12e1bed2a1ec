"""Sixteen shards of four rollouts on the smallest grids, labelled, with a warehouse; the tests do not change them."""

from collections.abc import Iterator

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets_tests.conftest import labelled_shards


@pytest.fixture(scope="package")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    with labelled_shards(tmp_path_factory.mktemp("tasks"), [ShardKey("set1", n) for n in range(16)]) as data:
        yield data
