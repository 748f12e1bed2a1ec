"""Six labelled shards of four rollouts with a warehouse, made once for all tests here, which must not change them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nca_assets.ids import ShardKey
from nca_assets.project import Project
from nca_assets_tests.conftest import labelled_shards, local

KEYS = [ShardKey("set1", 0), ShardKey("set1", 1), ShardKey("set1", 3), *(ShardKey("set2", n) for n in range(3))]


@pytest.fixture(scope="package")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with labelled_shards(tmp_path_factory.mktemp("loading"), KEYS) as settings:
        yield settings


@pytest.fixture
def own_shards(shards: Project, tmp_path: Path) -> Project:
    """A copy that a test may damage."""
    from shutil import copytree

    return shards.model_copy(update={"data": copytree(local(shards.data), tmp_path / "copy")})
