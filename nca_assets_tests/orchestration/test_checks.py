"""Checks of partitions as Dagster means them: of the latest materialization, run alone or at once, failed by damage."""

import shutil

import dagster as dg
import pytest

from nca_assets.definitions import defs
from nca_assets.ids import ShardKey
from nca_assets.in_process import materialize_chain
from nca_assets.project import Project
from nca_assets_tests.cli.command import nca
from nca_assets_tests.conftest import local
from nca_assets_tests.orchestration.conftest import KEYS

pytestmark = pytest.mark.slow

SHARDS = dg.AssetKey("rollout_shards")
CHECKS = {
    dg.AssetCheckKey(SHARDS, name) for name in ("tokens_in_range", "shard_reproduces", "rollouts_differ")
} | {dg.AssetCheckKey(dg.AssetKey("behavior_labels"), "labels_complete")}  # fmt: skip


def evaluations(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> dict[str | None, dg.AssetCheckEvaluation]:
    """The latest evaluation of each partition."""
    records = instance.event_log_storage.get_asset_check_execution_history(check, limit=1000)
    found: dict[str | None, dg.AssetCheckEvaluation] = {}
    for record in records:
        if record.event and record.event.dagster_event and record.evaluation:
            found.setdefault(record.evaluation.partition, record.evaluation)
    return found


def execute_all(instance: dg.DagsterInstance, checks: set[dg.AssetCheckKey]) -> dg.ExecuteInProcessResult:
    """As the button "Execute all" of an asset's Checks page: no asset, no partition."""
    job = defs.resolve_job_def("make_shard").get_subset(asset_selection=set(), asset_check_selection=checks)
    return job.execute_in_process(instance=instance, raise_on_error=False)


@pytest.mark.usefixtures("chain")
def test_each_evaluation_is_of_the_latest_materialization_of_its_partition(instance: dg.DagsterInstance) -> None:
    list(materialize_chain(KEYS[:1]))
    for check in CHECKS:
        found = evaluations(instance, check)
        assert sorted(str(key) for key in found) == KEYS
        for key, evaluation in found.items():
            wanted = dg.AssetRecordsFilter(check.asset_key, asset_partitions=[str(key)])
            [latest] = instance.fetch_materializations(wanted, limit=1).records
            assert evaluation.passed
            assert evaluation.target_materialization_data
            assert evaluation.target_materialization_data.storage_id == latest.storage_id


@pytest.mark.usefixtures("chain")
def test_executing_all_checks_evaluates_every_partition_that_is_there(instance: dg.DagsterInstance) -> None:
    result = execute_all(instance, CHECKS)
    assert result.success
    for check in CHECKS:
        [summary] = [e for e in result.get_asset_check_evaluations() if e.asset_check_key == check and not e.partition]
        assert summary.passed
        assert summary.metadata["partitions"].value == len(KEYS)


def test_executing_all_checks_finds_a_deleted_shard(chain: Project, instance: dg.DagsterInstance) -> None:
    chain.data.tokens_file(ShardKey.parse(KEYS[0])).unlink()
    check = dg.AssetCheckKey(SHARDS, "tokens_in_range")
    assert execute_all(instance, {check}).success
    found = evaluations(instance, check)
    assert {key: evaluation.passed for key, evaluation in found.items()} == {
        KEYS[0]: False, KEYS[1]: True, None: False,
    }  # fmt: skip
    assert "1 of 2 partitions failed" in str(found[None].description)


@pytest.mark.usefixtures("vocabulary")
def test_no_run_has_a_step_for_a_check_that_its_partitions_evaluate(instance: dg.DagsterInstance) -> None:
    job = defs.resolve_job_def("make_shard")
    result = job.execute_in_process(instance=instance, partition_key=KEYS[0])
    assert {event.step_key for event in result.all_events if event.step_key} == {"shards_and_labels"}
    assert not [event for event in result.all_events if event.is_step_skipped]


def test_verification_reports_what_it_finds_as_checks(
    chain: Project, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    shard, part = (local(file) for file in (chain.data.tokens_file(ShardKey.parse(KEYS[0])),
                                            chain.data.labels_file(ShardKey.parse(KEYS[1]))))  # fmt: skip
    for file in (shard, part):
        shutil.move(file, file.with_name("kept"))
    assert nca("verify") == 1
    in_range, complete = (dg.AssetCheckKey(SHARDS, "tokens_in_range"),
                          dg.AssetCheckKey(dg.AssetKey("behavior_labels"), "labels_complete"))  # fmt: skip
    assert {key: found.passed for key, found in evaluations(instance, in_range).items()} == {
        KEYS[0]: False, KEYS[1]: True,
    }  # fmt: skip
    assert not evaluations(instance, complete)[KEYS[1]].passed
    assert str(evaluations(instance, in_range)[KEYS[0]].description) in capsys.readouterr().err
    for file in (shard, part):
        shutil.move(file.with_name("kept"), file)
    assert nca("verify") == 0
    assert all(found.passed for check in CHECKS for found in evaluations(instance, check).values())


@pytest.mark.usefixtures("chain")
def test_failures_that_are_not_the_datas_are_not_reported_as_failed_checks(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCA_DEVICE", "cuda:7")
    assert nca("verify") == 1
    assert all(found.passed for check in CHECKS for found in evaluations(instance, check).values())
