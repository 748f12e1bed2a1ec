"""kill -9 in the middle of a shard: nothing partial keeps a final name, and the rerun completes."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest

from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.end_to_end.conftest import NCA, Project, clone

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A clone whose shards take a while."""
    project = clone(tmp_path / "clone", NCA_SHARD_SIZE="32", NCA_FRAMES="140", NCA_SHARDS_PER_SET="4", NCA_THREADS="1")
    imported = project.nca("import", "centroids", str(GOLDEN / "centroids.pt"))
    assert imported.returncode == 0, imported.stderr
    return project


def test_a_shard_killed_midway(project: Project) -> None:
    folder = project.data / "nca_dataset"
    with project.start(NCA, "materialize", "set1-00001") as run:
        deadline = time.monotonic() + 120
        # The first bytes are out, so it is in the middle of the shard.
        while not any(file.stat().st_size for file in folder.glob(".shard_00001.npz.*.part")):
            assert time.monotonic() < deadline
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    left = [file.name for file in folder.iterdir()]
    assert len(left) == 1
    assert left[0].startswith(".shard_00001.npz.")
    assert not (project.data / "labels").exists()

    again = project.nca("materialize", "set1-00001")
    assert again.returncode == 0, again.stderr
    assert sorted(file.name for file in folder.iterdir()) == ["shard_00001.json", "shard_00001.npz"]
    with np.load(folder / "shard_00001.npz", allow_pickle=False) as shard:
        assert len(shard) == 32
    counted = project.nca("sql", "SELECT count(*) AS n FROM labels")
    assert "32" in counted.stdout
