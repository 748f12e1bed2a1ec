"""Folders that appear whole or not at all, also when their writers are killed, and never in each other's way."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from nca_assets.publishing.folder import replaced_folder

KILLED = """
import os, sys
from pathlib import Path
from nca_assets.publishing.folder import replaced_folder
with replaced_folder(Path(sys.argv[1])) as folder:
    (folder / "half.txt").write_text("half")
    if sys.argv[2] == "late":
        Path(sys.argv[1]).rename(folder.with_suffix(".before"))
    os._exit(9)
"""


@pytest.mark.parametrize("when", ["early", "late"])
def test_what_a_killed_one_left_is_removed_and_what_it_replaced_is_back(tmp_path: Path, when: str) -> None:
    to = tmp_path / "dataset"
    to.mkdir()
    (to / "old.txt").write_text("old")
    assert subprocess.run([sys.executable, "-c", KILLED, str(to), when], check=False).returncode == 9
    assert to.exists() == (when == "early")
    with suppress(KeyboardInterrupt), replaced_folder(to):
        assert (to / "old.txt").read_text() == "old"
        raise KeyboardInterrupt
    assert [file.name for file in tmp_path.iterdir()] == ["dataset"]
    assert [file.name for file in to.iterdir()] == ["old.txt"]


def test_who_writes_beside_is_left_alone(tmp_path: Path) -> None:
    with replaced_folder(tmp_path / "dataset") as first:
        (first / "mine.txt").write_text("mine")
        with replaced_folder(tmp_path / "dataset") as second:
            assert (first / "mine.txt").exists()
            (second / "other.txt").write_text("other")
    assert [file.name for file in (tmp_path / "dataset").iterdir()] == ["mine.txt"]
