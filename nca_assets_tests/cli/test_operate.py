"""Commands that plan work and show its progress; those that do it are tested with the orchestration."""

import json
from pathlib import Path

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.shards.manifest import read_manifest
from nca_assets_tests import warm
from nca_assets_tests.cli.command import Capture, nca
from nca_assets_tests.conftest import local
from nca_assets_tests.orchestration.conftest import make_home


def test_the_status_as_json(
    labelled: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    make_home(tmp_path / "dagster_home", monkeypatch)
    assert nca("status", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    manifest = read_manifest(ShardKey("set1", 0), labelled)
    assert facts["sets"][0] == {
        "set": "set1", "partitions": 4, "materialized": 1, "stale": 0, "failed": 0, "in_flight": 0, "missing": 3,
        "unlabeled": 0, "rollouts": 4, "rollouts_without_tokens": 0, "tokens": manifest.tokens,
        "bytes": labelled.tokens_file(ShardKey("set1", 0)).stat().st_size,
    }  # fmt: skip
    assert [one["set"] for one in facts["sets"]] == ["set1", "set2", "set3"]
    assert (facts["data"], facts["partitions_to_make"], facts["unreported_files"]) == (str(labelled), 10, 4)
    assert facts["seconds_per_partition"] is facts["seconds_left"] is None


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("set1-99999", "unknown partition key 'set1-99999': use set1-00000 to set3-00003"),
        ("set9-00000", "unknown partition key 'set9-00000': use set1-00000 to set3-00003"),
        ("nonsense", "unknown shard 'nonsense': write a set and a number, like set1-00000"),
    ],
)
def test_materialize_refuses_unknown_partitions_before_any_work(
    data: DataFolder, capsys: Capture, key: str, message: str
) -> None:
    assert nca("materialize", "set1-00000", key) == 1
    assert message in capsys.readouterr().err
    assert [file.name for file in local(data.root).iterdir()] == ["dataset.json"]


def test_a_schedule_that_is_none_is_said(data: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data
    make_home(tmp_path / "dagster_home", monkeypatch)
    monkeypatch.setenv("NCA_TOP_UP_CRON", "99 99 99 99 99")
    done = warm.completed(["nca", "materialize", "set1-00000"], tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("nca: NCA_TOP_UP_CRON=99 99 99 99 99: no time is written like that in cron.")
