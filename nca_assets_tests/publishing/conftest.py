"""Six shards of four rollouts, labelled, with a collection, and the folder that is published from them."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.figures.catalog import Figure
from nca_assets.ids import ShardKey
from nca_assets.publishing.publish import Published, publish
from nca_assets.warehouse.collections import freeze
from nca_assets.warehouse.illumination import Illumination
from nca_assets_tests.conftest import labelled_shards, local

KEYS = [ShardKey(name, number) for name in ("set1", "set3") for number in (0, 1, 9)]


@pytest.fixture(scope="package", autouse=True)
def drawn_once() -> Iterator[None]:
    """Figures of byte-for-byte the same dataset are drawn once, since drawing is nearly all of a publish's time."""
    draw, pictures = Figure.png, dict[tuple[str, bytes], bytes]()

    def png(figure: Figure, data: DataFolder) -> bytes:
        key = (figure.name, content(data))
        if key not in pictures:
            pictures[key] = draw(figure, data)
        return pictures[key]

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Figure, "png", png)
        yield


def content(data: DataFolder) -> bytes:
    """A digest of the names and bytes of all files of ``data``."""
    root, digest = local(data.root), hashlib.sha256()
    for file in sorted(file for file in root.rglob("*") if file.is_file()):
        digest.update(str(file.relative_to(root)).encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.digest()


@pytest.fixture(scope="package")
def to_publish(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    with labelled_shards(tmp_path_factory.mktemp("publishing"), KEYS) as data:
        freeze("varied", "SELECT rollout_id FROM labels WHERE set_name = 'set1'", data, Illumination(5))
        yield data


@pytest.fixture(scope="package")
def published(to_publish: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Published:
    return publish(tmp_path_factory.mktemp("out") / "dataset", to_publish, collections=["varied"])


@pytest.fixture(scope="package")
def with_original(to_publish: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The same, with the original's layout."""
    return publish(tmp_path_factory.mktemp("out") / "dataset", to_publish, original_layout=True)


@pytest.fixture
def copy(published: Published, tmp_path: Path) -> Path:
    """A copy of the published folder that a test may damage."""
    return shutil.copytree(local(published.folder), tmp_path / "copy")


@pytest.fixture
def own_data(to_publish: DataFolder, tmp_path: Path) -> DataFolder:
    """A copy of the data that a test may damage."""
    return replace(to_publish, root=shutil.copytree(local(to_publish.root), tmp_path / "data"))
