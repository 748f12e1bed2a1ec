"""Six shards of four rollouts, labelled, with a warehouse, and the folder that is published from them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from nca_assets.ids import ShardKey
from nca_assets.project import Project
from nca_assets.publishing.publish import Published, publish
from nca_assets_tests.conftest import labelled_shards, local

KEYS = [ShardKey(name, number) for name in ("set1", "set3") for number in (0, 1, 9)]


@pytest.fixture(scope="package")
def settings_to_publish(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with labelled_shards(tmp_path_factory.mktemp("publishing"), KEYS) as settings:
        yield settings


@pytest.fixture(scope="package")
def published(settings_to_publish: Project, tmp_path_factory: pytest.TempPathFactory) -> Published:
    return publish(tmp_path_factory.mktemp("out") / "dataset", settings_to_publish)


@pytest.fixture
def copy(published: Published, tmp_path: Path) -> Path:
    """A copy of the published folder that a test may damage."""
    return shutil.copytree(local(published.folder), tmp_path / "copy")


@pytest.fixture
def own_data(settings_to_publish: Project, tmp_path: Path) -> Project:
    """A copy of the data that a test may damage."""
    return settings_to_publish.model_copy(
        update={"data": shutil.copytree(local(settings_to_publish.data), tmp_path / "data")}
    )
