"""Four shards of four rollouts and an imported set, labelled, with a warehouse; the tests do not change them."""

from collections.abc import Iterator

import numpy as np
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources, load
from nca_assets.shards.imported import register, shard_keys
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.conftest import labelled_shards
from nca_assets_tests.labels import movies

KEYS = [ShardKey(name, number) for name in ("set1", "set2") for number in (0, 8)]


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    folder = tmp_path_factory.mktemp("explored")
    with labelled_shards(folder, KEYS) as data:
        (folder / "others").mkdir()
        np.savez(folder / "others" / "life.npz", noise=movies.noise(), allow_pickle=False)
        for key, file in shard_keys(folder / "others", "life", data).items():
            register(key, file, data)
            write_labels(key, data, load(Resources))
        build_warehouse(data)
        yield data
