"""Other people's vocabularies and movies."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nca_assets.data_folder import DataFolder
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets.vocabulary.current import current_source
from nca_assets_tests.cli.command import Capture, nca
from nca_assets_tests.labels import movies
from nca_assets_tests.orchestration.conftest import make_home


@pytest.mark.slow
def test_ones_own_vocabulary_and_movies_are_imported(
    data: DataFolder, centroids: torch.Tensor, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_home(tmp_path / "dagster_home", monkeypatch)
    torch.save(centroids.flip(0), tmp_path / "own.pt")
    assert nca("import", "centroids", str(tmp_path / "own.pt")) == 0
    assert f"centroids.pt: imported from {tmp_path / 'own.pt'}, digest " in capsys.readouterr().out
    assert (current_source(data) or "").startswith("imported")
    (tmp_path / "life").mkdir()
    np.savez(tmp_path / "life" / "a.npz", allow_pickle=False, movie=movies.gliders())
    assert nca("import", "shards", str(tmp_path / "life")) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("materialized imported_shards life-00000")
    assert last.startswith("materialized analytics/")
    assert nca("sql", "SELECT rollout_id, frames FROM labels") == 0
    assert "life/000000" in capsys.readouterr().out
    assert nca("import", "shards", "http://host/life") == 1
    assert "can't import from 'http://host/life'" in capsys.readouterr().err


def test_unfit_centroids_are_refused(
    data: DataFolder, centroids: torch.Tensor, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_centroids(centroids, data, "learned")
    make_home(tmp_path / "dagster_home", monkeypatch)
    torch.save(torch.ones(3), tmp_path / "own.pt")
    assert nca("import", "centroids", str(tmp_path / "own.pt")) == 1
    assert "holds torch.float32 (3,)" in capsys.readouterr().err
    assert current_source(data) == "learned"


def test_an_import_without_a_dagster_home_leaves_the_vocabulary(
    data: DataFolder, centroids: torch.Tensor, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_centroids(centroids, data, "learned")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    torch.save(centroids.flip(0), tmp_path / "own.pt")
    assert nca("import", "centroids", str(tmp_path / "own.pt")) == 1
    assert "has no dagster.yaml" in capsys.readouterr().err
    assert current_source(data) == "learned"
