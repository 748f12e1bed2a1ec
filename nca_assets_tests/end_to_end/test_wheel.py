"""The package as pip installs it, in an environment that has nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nca_assets_tests.conftest import PROJECT

pytestmark = pytest.mark.long

ALONE = """
import nca_assets as nca, torch
generator = torch.Generator().manual_seed(0)
centroids = torch.nn.functional.normalize(torch.randn(32, 16, generator=generator))
print(nca.classify(nca.simulate("set1/000001", (centroids * 1024).round() / 1024, frames=140)))
"""


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NCA_", "DAGSTER_", "PYTHON"))}
    return subprocess.run(command, cwd=cwd, env=kept | variables, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, PROJECT, cwd=folder)
    assert built.returncode == 0, built.stderr
    [file] = folder.glob("*.whl")
    return file


def environment(wheel: Path, extra: str, folder: Path) -> Path:
    """Where the programs of a fresh environment lie that has the wheel with an extra."""
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    constraints = PROJECT / "constraints.txt"
    done = run(programs / "pip", "install", "--quiet", "--constraint", constraints, f"{wheel}{extra}", cwd=folder)
    assert done.returncode == 0, done.stderr
    return programs


def test_a_project_works_where_the_wheel_is_all_there_is(wheel: Path, tmp_path: Path) -> None:
    nca = environment(wheel, "[platform]", tmp_path) / "nca"
    small = {"NCA_SHARD_SIZE": "4", "NCA_FRAMES": "140"}
    demo = tmp_path / "demo"
    assert run(nca, "init", "demo", cwd=tmp_path).returncode == 0
    made = run(nca, "materialize", "set1-00000", cwd=demo, **small)
    assert made.returncode == 0, made.stderr
    assert "materialized rollout_shards set1-00000" in made.stdout
    asked = run(nca, "sql", "--csv", "SELECT sum(rollouts) FROM behavior_summary", cwd=demo)
    assert asked.stdout.splitlines()[1:] == ["4"]
    assert (demo / "data" / "nca_dataset" / "shard_00000.npz").exists()


def test_without_extras_rollouts_are_simulated_and_what_is_lacking_is_named(wheel: Path, tmp_path: Path) -> None:
    programs = environment(wheel, "", tmp_path)
    classified = run(programs / "python", "-c", ALONE, cwd=tmp_path)
    assert classified.returncode == 0, classified.stderr
    assert classified.stdout.strip()
    verified = run(programs / "nca", "verify", "--release", cwd=tmp_path)
    assert verified.stdout.endswith(" rollouts recomputed, all equal to release 0.1.0\n"), verified.stderr
    installed = run(programs / "pip", "list", cwd=tmp_path).stdout
    assert "dagster" not in installed
    assert "obstore" not in installed
    refused = run(programs / "nca", "materialize", "set1-00000", cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr == "nca: this needs dagster: pip install 'nca-assets[platform]'\n"
