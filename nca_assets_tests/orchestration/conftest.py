"""A Dagster home of the test's own, with the project's configuration."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import dagster as dg
import pytest

from nca_assets.ids import ShardKey
from nca_assets.in_process import materialize_centroids, materialize_chain, project_instance
from nca_assets.project import Project
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets_tests.conftest import GOLDEN, PROJECT

KEYS = ["set1-00000", "set1-00001"]
"""The partitions of a project whose chain is made."""

FRESH = "fresh"
"""What tests begin with: a folder of data with a vocabulary and a Dagster home that knows nothing yet."""

FROM = {"vocabulary": FRESH, "chain": "vocabulary", "begun": "vocabulary"}
"""Other states, each by the one that it is made from: with the vocabulary materialized; with the chain of ``KEYS``;
with three partitions of set1, the second of them damaged, and one of set2 without its labels. Each is made once, and
copied."""


@pytest.fixture(scope="session")
def states(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where a state lies, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("states")

    @cache
    def made(state: str) -> Path:
        place = folder / state
        with pytest.MonkeyPatch.context() as monkeypatch:
            if state == FRESH:
                make_fresh(place, monkeypatch)
                return place
            project = begin(made(FROM[state]), place, monkeypatch)
            if state == "vocabulary":
                materialize_centroids()
            elif state == "chain":
                list(materialize_chain(KEYS))
            else:
                make_begun(project)
        return place

    return made


def make_fresh(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Project.load().at(place / "data").writable_data()
    save_centroids(read_centroids(GOLDEN / "centroids.pt"), data, source="imported from a test")
    make_home(place / "home", monkeypatch)
    with project_instance() as instance:
        instance.get_asset_keys()


def make_begun(project: Project) -> None:
    from nca_assets_tests.orchestration.test_chain import SHARDS
    from nca_assets_tests.orchestration.test_ranges import run_range

    with project_instance() as instance:
        assert run_range(instance, "set1-00000", "set1-00002").success
        assert run_range(instance, "set2-00001", "set2-00001", {SHARDS}).success
    project.data.tokens_file(ShardKey("set1", 1)).unlink()


def make_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the project's configuration whose databases are yet to be created."""
    home.mkdir()
    shutil.copy(PROJECT / ".dagster" / "dagster.yaml", home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return home


def begin(state: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of a state in ``folder``, where the environment then leads."""
    for name in ("home", "data"):
        shutil.copytree(state / name, folder / name)
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "home"))
    monkeypatch.setenv("NCA_DATA", str(folder / "data"))
    return Project.load()


@contextmanager
def lasting_project(state: Path, folder: Path) -> Iterator[Project]:
    """The same for all tests of a module."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield begin(state, folder, monkeypatch)


@pytest.fixture
def dagster_home(
    request: pytest.FixtureRequest, states: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The home of the test's project, in the state that the test asks for by a fixture of its name."""
    state = next((name for name in FROM if name in request.fixturenames), FRESH)
    begin(states(state), tmp_path, monkeypatch)
    return tmp_path / "home"


@pytest.fixture
def project(dagster_home: Path) -> Project:  # noqa: ARG001
    """The project of a data folder that has a vocabulary, and a Dagster home that knows nothing yet."""
    return Project.load()


@pytest.fixture
def vocabulary(project: Project) -> Project:
    """The same project, whose instance knows of its vocabulary."""
    return project


@pytest.fixture
def chain(project: Project) -> Project:
    """The same project, where the partitions ``KEYS`` and the warehouse are made."""
    return project


@pytest.fixture
def begun(project: Project) -> Project:
    """The same project, where three partitions of set1 are made, the second of them damaged, and of set2 one without
    its labels."""
    return project


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:  # noqa: ARG001
    with project_instance() as opened:
        yield opened
