"""A Dagster home of the test's own, with the project's configuration."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import torch

from nca_assets.automation.in_process import project_instance
from nca_assets.settings import Settings
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets_tests.conftest import PROJECT


@pytest.fixture
def dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "dagster_home"
    home.mkdir()
    shutil.copy(PROJECT / ".dagster" / "dagster.yaml", home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return home


@pytest.fixture
def project(settings: Settings, dagster_home: Path, centroids: torch.Tensor) -> Settings:  # noqa: ARG001
    """Settings for a data folder that has a vocabulary, and a Dagster home that knows nothing yet."""
    save_centroids(centroids, settings.data, source="imported from a test")
    return settings


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:  # noqa: ARG001
    with project_instance() as opened:
        yield opened
