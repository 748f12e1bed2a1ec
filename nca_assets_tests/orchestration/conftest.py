"""A Dagster home of the test's own, with the project's configuration."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
import torch

from nca_assets.automation.in_process import project_instance
from nca_assets.settings import Settings, load_settings
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets_tests.conftest import GOLDEN, PROJECT


@pytest.fixture
def dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_home(tmp_path / "dagster_home", monkeypatch)


def make_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home.mkdir()
    shutil.copy(PROJECT / ".dagster" / "dagster.yaml", home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return home


@pytest.fixture
def project(settings: Settings, dagster_home: Path, centroids: torch.Tensor) -> Settings:  # noqa: ARG001
    """Settings for a data folder that has a vocabulary, and a Dagster home that knows nothing yet."""
    save_centroids(centroids, settings.data, source="imported from a test")
    return settings


@contextmanager
def lasting_project(folder: Path) -> Iterator[Settings]:
    """The same for all tests of a module."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_home(folder / "dagster_home", monkeypatch)
        monkeypatch.setenv("NCA_DATA", str(folder / "data"))
        (folder / "data").mkdir()
        settings = load_settings()
        save_centroids(read_centroids(GOLDEN / "centroids.pt"), settings.data, source="imported from a test")
        yield settings


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:  # noqa: ARG001
    with project_instance() as opened:
        yield opened


@pytest.fixture
def vocabulary(project: Settings, instance: dg.DagsterInstance) -> Settings:
    """The same project, whose instance knows of its vocabulary."""
    from nca_assets.definitions import defs

    assert defs.resolve_job_def("learn_vocabulary").execute_in_process(instance=instance).success
    return project
