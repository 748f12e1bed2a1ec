"""Twelve shards of four rollouts and an imported set, labelled, with a warehouse; the tests do not change them."""

from collections.abc import Iterator

import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets_tests.conftest import labelled_shards, local
from nca_assets_tests.labels.imported import build_with_noise

KEYS = [ShardKey(name, number) for name in ("set1", "set2") for number in (0, 8, 16, 24, 32, 40)]


@pytest.fixture(scope="package")
def drawn_from(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    folder = tmp_path_factory.mktemp("figures")
    with labelled_shards(folder, KEYS) as data:
        build_with_noise(data, folder)
        yield data


@pytest.fixture(scope="package")
def ours(drawn_from: DataFolder) -> pl.DataFrame:
    """The labels of our own rollouts, from their parts."""
    return pl.concat([pl.read_parquet(local(drawn_from.labels_file(key))) for key in KEYS])
