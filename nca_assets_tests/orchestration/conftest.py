"""A Dagster home of the test's own, with the project's configuration."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import dagster as dg
import pytest

from nca_assets.automation.in_process import materialize_centroids, materialize_chain, project_instance
from nca_assets.project import Project
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets_tests.conftest import GOLDEN, PROJECT

KEYS = ["set1-00000", "set1-00001"]
"""The partitions of a project whose chain is made."""

STATES = ("fresh", "vocabulary", "chain")
"""What tests begin with: a folder of data with a vocabulary and a Dagster home that knows nothing yet; the same, with
the vocabulary materialized; with the chain of ``KEYS``. Each is made once, from the one before, and copied."""


@pytest.fixture(scope="session")
def states(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where a state of ``STATES`` lies, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("states")

    @cache
    def made(state: str) -> Path:
        place = folder / state
        with pytest.MonkeyPatch.context() as monkeypatch:
            if state == STATES[0]:
                make_fresh(place, monkeypatch)
            else:
                begin(made(STATES[STATES.index(state) - 1]), place, monkeypatch)
            if state == "vocabulary":
                materialize_centroids()
            elif state == "chain":
                list(materialize_chain(KEYS))
        return place

    return made


def make_fresh(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Project.load().at(place / "data").writable_data()
    save_centroids(read_centroids(GOLDEN / "centroids.pt"), data, source="imported from a test")
    make_home(place / "home", monkeypatch)
    with project_instance() as instance:
        instance.get_asset_keys()


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
    state = next((name for name in STATES if name in request.fixturenames), STATES[0])
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
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:  # noqa: ARG001
    with project_instance() as opened:
        yield opened
