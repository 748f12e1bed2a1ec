"""Settings for tests: tiny shards, few partitions, and never the project's own data or Dagster home."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import absl.logging
import hypothesis
import pytest
import torch

# Partitions are fixed when the definitions are imported, so these come before any import of them.
os.environ["NCA_SHARDS_PER_SET"] = "4"
os.environ["NCA_SHARD_SIZE"] = "4"
os.environ["NCA_FRAMES"] = "140"
os.environ["NCA_DEVICE"] = "cpu"
os.environ.pop("DAGSTER_HOME", None)
# Without a GPU its kernel runs in Triton's interpreter, which is chosen when the kernel is defined.
os.environ["TRITON_INTERPRET"] = "0" if torch.cuda.is_available() else "1"

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.project import Project
from nca_assets.settings import Resources, load
from nca_assets.store.location import Stored
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets_tests.reaper import watch_this_run

# Of grain and mlcroissant. Its handler closes the stderr that it was imported with, here pytest's, as soon as that is
# replaced and Dagster configures the loggers.
absl.logging.get_absl_handler().python_handler.stream = sys.__stderr__

hypothesis.settings.register_profile("project", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.load_profile("project")

GOLDEN = Path(__file__).parent / "golden"
PROJECT = Path(__file__).parent.parent


LONGEST = (
    "test_browser.py", "test_docs.py", "test_demo.py", "test_fault_schedule.py", "test_daemon.py", "test_scale.py",
    "test_history.py", "test_damage.py", "test_on_ray.py",
)  # fmt: skip
"""Begun first, so that no worker is left with one of these files alone at the end."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--share",
        metavar="K/N",
        type=share,
        default=(0, 1),
        help="run files K, K + N, K + 2 N and so on of those chosen, and tests marked each_share",
    )


def share(text: str) -> tuple[int, int]:
    """K and N of ``K/N``; any whole number will do for K."""
    which, parts = map(int, text.split("/"))
    return which % parts, parts


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        watch_this_run()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    which, parts = config.getvalue("--share") or (0, 1)
    files = sorted({item.path for item in items})
    shared = [
        item for item in items if files.index(item.path) % parts == which or item.get_closest_marker("each_share")
    ]
    config.hook.pytest_deselected(items=[*{*items} - {*shared}])
    items[:] = shared
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def lacking(what: str) -> NoReturn:
    """Skip a test for want of something that not every machine has; where all tests must run, fail."""
    if os.environ.get("CI"):
        pytest.fail(f"no test may be skipped here, but {what}")
    pytest.skip(what)


def local(path: Stored) -> Path:
    """``path``, which is a local one in tests that use this."""
    assert isinstance(path, Path)
    return path


@pytest.fixture(scope="session")
def centroids() -> torch.Tensor:
    """The learned vocabulary, as stored with the tests: float32 (32, 16)."""
    return read_centroids(GOLDEN / "centroids.pt")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A fresh dataset, which the environment names too."""
    monkeypatch.setenv("NCA_DATA", str(tmp_path / "data"))
    return Project.load().writable_data()


@pytest.fixture
def project(data: DataFolder) -> Project:  # noqa: ARG001
    """The project of a fresh dataset."""
    return Project.load()


@pytest.fixture
def resources() -> Resources:
    """The machine as the environment gives it: its CPU."""
    return load(Resources)


@contextmanager
def labelled_shards(folder: Path, keys: Iterable[ShardKey]) -> Iterator[DataFolder]:
    """A dataset in ``folder`` with ``keys``, labelled, and a warehouse, for tests that do not change it; meanwhile the
    environment names it too."""
    from nca_assets.warehouse.build import build_warehouse

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("NCA_DATA", str(folder / "data"))
        data = Project.load().writable_data()
        fill(data, keys)
        build_warehouse(data)
        yield data


KEYS_OF_LABELLED = (ShardKey("set1", 0), ShardKey("set2", 1))


@pytest.fixture
def labelled(data: DataFolder) -> DataFolder:
    """A dataset with the vocabulary and two shards, labelled."""
    fill(data, KEYS_OF_LABELLED)
    return data


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same dataset with its warehouse, which is copied."""
    with labelled_shards(tmp_path_factory.mktemp("built"), KEYS_OF_LABELLED) as data:
        return local(data.root)


@pytest.fixture
def built(built_once: Path, data: DataFolder) -> DataFolder:
    """The same dataset with its warehouse; as copies, its files seem younger than that."""
    shutil.copytree(built_once, local(data.root), dirs_exist_ok=True)
    return Project.load().writable_data()


def fill(data: DataFolder, keys: Iterable[ShardKey]) -> None:
    """Give ``data`` the vocabulary and ``keys``, labelled."""
    from nca_assets.labels.write import write_labels
    from nca_assets.shards.write import write_shard

    vocabulary, resources = read_centroids(GOLDEN / "centroids.pt"), load(Resources)
    save_centroids(vocabulary, data, "learned")
    for key in keys:
        write_shard(key, vocabulary, data, resources)
        write_labels(key, data, resources)


@pytest.fixture
def threads() -> Iterator[None]:
    """Restores torch's number of threads afterwards."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
