"""``nca sequences``: every kind of selection, and one line for every problem."""

import json
from pathlib import Path
from typing import Any

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.warehouse.collections import freeze
from nca_assets_tests.cli.command import nca
from nca_assets_tests.conftest import KEYS_OF_LABELLED, labelled_shards


def written(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "sequences.json").read_text())


def test_it_writes_stored_rollouts(shards: DataFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert nca("sequences", "--to", str(tmp_path), "--length", "800", "--spans", "2", "--unit", "patch") == 0
    lines = capsys.readouterr().out.splitlines()
    digest = written(tmp_path)["files"]["train.bin"]["sha256"][:12]
    assert lines[0] == (f"{tmp_path / 'train.bin'}: 14 sequences, 11,200 tokens from 7 rollouts, digest {digest}")
    assert len(lines) == 3
    assert written(tmp_path)["dataset"] == shards.id


@pytest.mark.usefixtures("shards")
def test_it_simulates_recipes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A range across two grids, of which one is too large."""
    assert nca("sequences", "set3/63-64", "--to", str(tmp_path), "--complexity", "0", "2", "--shuffled") == 0
    assert "1 rollout left out: two frames exceed 1024 tokens" in capsys.readouterr().out
    assert written(tmp_path)["options"]["complexity"] == [0, 2]
    assert written(tmp_path)["options"]["shuffled"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["set9/0-3"], "has no set 'set9'"),
        (["few"], "collection 'few'"),
        (["--unit", "word"], "can't be 'word'"),
        (["--split", "val"], "there is no split 'val'"),
        (["--length", "10"], "no rollout fits sequences of 10 tokens"),
    ],
)
@pytest.mark.usefixtures("shards")
def test_a_problem_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nca("sequences", *arguments, "--to", str(tmp_path / "none")) == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_it_selects_labelled_rollouts(tmp_path: Path) -> None:
    """By a condition, a query and a collection, from shards and from recipes: the same files."""
    with labelled_shards(tmp_path, KEYS_OF_LABELLED) as data:
        freeze("few", "FROM labels WHERE set_name = 'set1'", data)
        selections = ("set_name = 'set1'", "FROM labels WHERE set_name = 'set1'", "few")
        runs = [[selection, *more] for selection in selections for more in ([], ["--recipes"])]
        for number, run in enumerate(runs):
            assert nca("sequences", *run, "--to", str(tmp_path / str(number)), "--spans", "1") == 0
    files = [written(tmp_path / str(number))["files"] for number in range(len(runs))]
    assert all(other == files[0] for other in files)
    assert files[0]["train.bin"]["rollouts"] == 3
