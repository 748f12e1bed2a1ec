"""Partitions without tokens are materialized, say so, and stay fresh, with all that depends on them."""

from typing import Any

import dagster as dg
import pytest

from nca_assets.ids import ShardKey
from nca_assets.orchestration.partitions.events import latest_versions
from nca_assets.orchestration.partitions.pending import assess_now, pending_of
from nca_assets.project import Project
from nca_assets.shards.manifest import read_manifest
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids
from nca_assets_tests.cli.command import nca
from nca_assets_tests.conftest import local
from nca_assets_tests.orchestration.conftest import KEYS
from nca_assets_tests.orchestration.test_chain import LABELS, SHARDS
from nca_assets_tests.orchestration.test_ranges import made, run_range

pytestmark = pytest.mark.slow


def kept(project: Project) -> list[bool]:
    """Of each partition, by its manifest, which its files bear out."""
    keys = [ShardKey.parse(key) for key in KEYS]
    found = [read_manifest(key, project.data).tokens_kept for key in keys]
    assert found == [project.data.tokens_file(key).exists() for key in keys]
    return found


def fresh(project: Project, instance: dg.DagsterInstance) -> bool:
    """Whether none of the partitions is missing, stale, or unknown to Dagster."""
    assessed = assess_now(project, instance)
    pending = pending_of(project, assessed)
    return not (assessed.stale or assessed.unreported or set(KEYS).intersection(pending.missing))


def observed(instance: dg.DagsterInstance, key: str) -> list[Any]:
    """What was observed of a partition's token file, latest first."""
    wanted = dg.AssetRecordsFilter(SHARDS, asset_partitions=[key])
    records = instance.fetch_observations(wanted, limit=9).records
    return [r.asset_observation.metadata["token file"].value for r in records if r.asset_observation]


@pytest.fixture
def token_free(vocabulary: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with two partitions that were made without their tokens and curves."""
    monkeypatch.setenv("NCA_KEEP_TOKENS", "set2,set3")
    monkeypatch.setenv("NCA_KEEP_CURVES", "none")
    assert run_range(instance, KEYS[0], KEYS[1]).success
    return vocabulary


def test_partitions_without_tokens_are_like_others(
    token_free: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards, labels = made(instance, SHARDS), made(instance, LABELS)
    assert sorted(shards) == sorted(labels) == KEYS
    assert kept(token_free) == [False, False]
    assert not list(local(token_free.data.root).glob("curves/*/*"))
    assert [event.metadata["token file"].value for event in shards.values()] == ["dropped", "dropped"]
    assert "contact sheet" in shards[KEYS[0]].metadata
    checks = [dg.AssetCheckKey(SHARDS, name) for name in ("tokens_in_range", "shard_reproduces", "rollouts_differ")]
    checks.append(dg.AssetCheckKey(LABELS, "labels_complete"))
    last = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    assert {record.status.value for record in last.values()} == {"SUCCEEDED"}
    assert len(last) == 4
    assert fresh(token_free, instance)

    before = [latest_versions(instance, asset) for asset in (SHARDS, LABELS)]
    assert nca("keep", KEYS[1]) == 0
    assert kept(token_free) == [False, True]
    assert fresh(token_free, instance)
    # Made again, a partition stays of its kind, whatever new ones are.
    monkeypatch.setenv("NCA_KEEP_TOKENS", "all")
    assert run_range(instance, KEYS[0], KEYS[1]).success
    assert kept(token_free) == [False, True]
    assert nca("drop", f"{KEYS[0]}...{KEYS[1]}") == 0
    assert kept(token_free) == [False, False]
    assert fresh(token_free, instance)
    assert [latest_versions(instance, asset) for asset in (SHARDS, LABELS)] == before
    assert [observed(instance, key) for key in KEYS] == [[], ["dropped", "kept"]]


def test_what_can_not_be_changed_is_named_and_the_rest_done(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    data = project.data
    for key in map(ShardKey.parse, KEYS):
        write_shard(key, load_centroids(data), data, project.resources)
    assert nca("drop", "life-00000", KEYS[0], "set1-00003") == 1
    assert kept(project) == [False, True]
    said = capsys.readouterr()
    assert said.out == f"{KEYS[0]}: tokens dropped\n"
    assert [line.split()[:3] for line in said.err.splitlines()] == [
        ["life-00000", "was", "imported:"],
        [str(data.manifest_file(ShardKey("set1", 3))), "is", "missing:"],
        ["nca:", "2", "of"],
    ]
    assert nca("drop", f"{KEYS[1]}...{KEYS[0]}") == 1
    assert "is not a range" in capsys.readouterr().err
