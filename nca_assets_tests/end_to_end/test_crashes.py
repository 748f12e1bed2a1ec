"""kill -9 or Ctrl-C in the middle of a shard: nothing partial keeps a final name, and the rerun completes."""

import os
import signal
import subprocess
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
        wait_for_the_middle_of("shard_00001", folder, run)
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


def test_ctrl_c_stops_without_a_word_and_keeps_what_is_finished(project: Project) -> None:
    folder = project.data / "nca_dataset"
    command = ["env", "--default-signal=INT", NCA, "materialize", "set1-00000", "set1-00001"]
    with project.start(*command, start_new_session=True) as run:
        wait_for_the_middle_of("shard_00001", folder, run)
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all processes of the command
        said, error = run.communicate(timeout=60)
    assert (run.returncode, said, error) == (130, "", "")
    assert sorted(file.name for file in folder.iterdir()) == ["shard_00000.json", "shard_00000.npz"]
    again = project.nca("materialize", "set1-00001")
    assert again.returncode == 0, again.stderr


def wait_for_the_middle_of(shard: str, folder: Path, run: subprocess.Popen[str]) -> None:
    """Wait until its first bytes are out."""
    deadline = time.monotonic() + 120
    while not any(file.stat().st_size for file in folder.glob(f".{shard}.npz.*.part")):
        assert time.monotonic() < deadline
        assert run.poll() is None
        time.sleep(0.01)
