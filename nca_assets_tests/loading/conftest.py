"""Six labelled shards of four rollouts with a warehouse, made once for all tests here, which must not change them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch.utils.data import DataLoader

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets_tests.conftest import labelled_shards, local

KEYS = [ShardKey("set1", 0), ShardKey("set1", 1), ShardKey("set1", 3), *(ShardKey("set2", n) for n in range(3))]


def torch_loader(data: Any, workers: int, batch_size: int | None = None) -> DataLoader[Any]:
    """torch's own loader, which takes anything with a length and items."""
    return DataLoader(data, batch_size=batch_size, num_workers=workers)


@pytest.fixture(scope="package")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    with labelled_shards(tmp_path_factory.mktemp("loading"), KEYS) as data:
        yield data


@pytest.fixture
def own_shards(shards: DataFolder, tmp_path: Path) -> DataFolder:
    """A copy that a test may damage."""
    from shutil import copytree

    return replace(shards, root=copytree(local(shards.root), tmp_path / "copy"))
