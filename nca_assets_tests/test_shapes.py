"""Settings of another shape than the data's: what reads follows the data, what writes is refused with one line."""

from pathlib import Path

import pytest
from numpy.testing import assert_array_equal

from nca_assets.data_folder import DataFolder
from nca_assets.loading.source import RolloutSource
from nca_assets.settings import Resources
from nca_assets_tests.cli.command import nca
from nca_assets_tests.conftest import GOLDEN, local
from nca_assets_tests.orchestration.conftest import make_home

pytestmark = pytest.mark.slow

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def built(built: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A labeled dataset of shards of four, in a project that one stands in."""
    make_home(tmp_path / "home", monkeypatch)
    monkeypatch.setenv("NCA_DATA", built.location)
    monkeypatch.chdir(tmp_path)
    return built


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("verify", "--all"),
        ("sql", "SELECT shard, count(*) FROM labels GROUP BY ALL ORDER BY ALL"),
        ("regenerate", "set1/000001"),
        ("gif", "set1/000001", "--out", "rollout.gif", "--scale", "1"),
        ("export",),
        ("explore", "--out", "explorer.html"),
        ("publish", "--to", "published"),
    ],
    ids=lambda command: command[0],
)
def test_commands_that_read_follow_the_data(
    built: DataFolder, monkeypatch: pytest.MonkeyPatch, capsys: Capture, command: tuple[str, ...]
) -> None:
    assert built.shard_size == 4
    assert nca(*command) == 0
    expected = capsys.readouterr().out
    monkeypatch.setenv("NCA_SHARD_SIZE", "8")
    monkeypatch.setenv("NCA_FRAMES", "200")
    assert nca(*command) == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    "command",
    [
        ("materialize", "set1-00002"),
        ("backfill", "--missing"),
        ("figures",),
        ("publish",),
        ("collect", "some", "FROM labels"),
        ("baselines",),
        ("import", "centroids", str(GOLDEN / "centroids.pt")),
    ],
    ids=lambda command: command[0],
)
def test_commands_that_write_are_refused_and_change_nothing(
    built: DataFolder, monkeypatch: pytest.MonkeyPatch, capsys: Capture, command: tuple[str, ...]
) -> None:
    root = local(built.root)
    before = {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}
    monkeypatch.setenv("NCA_SHARD_SIZE", "8")
    assert nca(*command) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "has shards of 4 rollouts, not of 8 as requested" in said
    assert {file: file.read_bytes() for file in root.rglob("*") if file.is_file()} == before


def test_recipes_give_the_labels_rollouts_under_settings_of_another_shape(
    built: DataFolder, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCA_SHARD_SIZE", "8")
    monkeypatch.setenv("NCA_FRAMES", "200")
    kept = RolloutSource.where("true", built, resources=resources)
    simulated = RolloutSource.where("true", built, recipes=True, resources=resources)
    assert len(simulated) == len(kept) == 8
    for a, b in zip(kept, simulated, strict=True):
        assert_array_equal(a.tokens, b.tokens)
