"""Every command helps, and fails with one line and exit status 1."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION
from nca_assets_tests.cli.command import Capture, nca


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("materialize",),
        ("sql",),
        ("status",),
        ("backfill",),
        ("regenerate",),
        ("verify",),
        ("export",),
        ("gif",),
        ("generate",),
        ("figures",),
        ("explore",),
        ("publish",),
        ("baselines",),
        ("import",),
        ("import", "centroids"),
        ("import", "shards"),
        ("collect",),
        ("illuminate",),
    ],
)
def test_every_command_helps(command: tuple[str, ...], capsys: Capture) -> None:
    assert nca(*command, "--help") == 0
    assert "Usage" in capsys.readouterr().out


def test_the_versions_are_printed(capsys: Capture) -> None:
    assert nca("--version") == 0
    assert (
        capsys.readouterr().out
        == f"nca-assets {version('nca-assets')}: recipe {RECIPE_VERSION}, labels {LABEL_VERSION}\n"
    )


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("nca sql 'FROM range(200)' > /dev/full", 1, "nca: can't write the output: No space left on device"),
        pytest.param("nca sql 'FROM range(200)' >&-", 0, "", marks=pytest.mark.slow),
        pytest.param(
            "LC_ALL=POSIX PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 nca sql 'FROM range(200)' > /dev/null",
            0, "", marks=pytest.mark.slow,
        ),
        pytest.param("nca sql 'FROM range(1000000)' --csv | head -1", 1, "", marks=pytest.mark.slow),
        pytest.param(
            "timeout --preserve-status -s INT 6 nca sql 'SELECT count(*) FROM range(1000000000000)'",
            130, "", marks=pytest.mark.slow,
        ),
    ],
)  # fmt: skip
def test_output_that_cannot_be_written_and_ctrl_c(built: DataFolder, command: str, status: int, said: str) -> None:
    """The status is the command's own; on stderr is a line, or nothing."""
    assert built
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (status, said)
