"""The schedule asks for what is missing, then for what is stale, and never for what is in flight."""

from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from nca_assets.definitions import defs
from nca_assets.ids import ShardKey
from nca_assets.orchestration.backfill import top_up as scheduled
from nca_assets.orchestration.backfill.launch import launch_backfill
from nca_assets.orchestration.backfill.top_up import requests, top_up
from nca_assets.orchestration.partitions.in_flight import (
    RANGE_END,
    RANGE_START,
    failed_partitions,
    partitions_in_flight,
)
from nca_assets.orchestration.partitions.pending import Pending, find_pending, ranges
from nca_assets.project import Project
from nca_assets.settings import Orchestration
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets_tests import warm
from nca_assets_tests.conftest import local
from nca_assets_tests.orchestration.test_chain import LABELS, SHARDS, run_job
from nca_assets_tests.orchestration.test_ranges import KEYS, made, run_range

pytestmark = pytest.mark.slow


def test_missing_comes_before_stale_and_labels_last(vocabulary: Project, instance: dg.DagsterInstance) -> None:
    assert find_pending(vocabulary, instance).shards == vocabulary.partition_keys()
    run_range(instance, KEYS[0], KEYS[3])
    run_range(instance, "set2-00000", "set2-00001", {SHARDS})
    vocabulary.data.tokens_file(ShardKey("set1", 2)).unlink()
    pending = find_pending(vocabulary, instance)
    assert pending.shards == ["set2-00002", "set2-00003", *(f"set3-0000{n}" for n in range(4)), "set1-00002"]
    assert pending.labels == ["set2-00000", "set2-00001"]


def test_what_is_damaged_is_asked_for_again_and_keeps_nothing_else(
    vocabulary: Project, instance: dg.DagsterInstance
) -> None:
    run_range(instance, KEYS[0], KEYS[3])
    local(vocabulary.data.manifest_file(ShardKey("set1", 0))).write_text("{")
    local(vocabulary.data.labels_file(ShardKey("set1", 2))).write_bytes(b"PAR1")
    vocabulary.data.curve_sums_file(ShardKey("set1", 3)).unlink()
    pending = find_pending(vocabulary, instance)
    assert (pending.stale_shards, pending.stale_labels) == ([KEYS[0]], [KEYS[2], KEYS[3]])
    assert run_range(instance, KEYS[0], KEYS[3]).success
    assert find_pending(vocabulary, instance).stale == []


def test_what_was_made_since_the_warehouse_was_built_is_not_taken_for_stale(
    vocabulary: Project, instance: dg.DagsterInstance
) -> None:
    run_range(instance, KEYS[0], KEYS[1])
    assert run_job(instance, "build_analytics").success
    save_centroids(load_centroids(vocabulary.data).flip(0), vocabulary.data, "imported from a test")
    assert run_job(instance, "learn_vocabulary").success
    assert find_pending(vocabulary, instance).stale_shards == KEYS[:2]
    run_range(instance, KEYS[0], KEYS[0])
    pending = find_pending(vocabulary, instance)
    assert (pending.stale_shards, pending.stale_labels) == ([KEYS[1]], [])


def test_groups_are_contiguous_within_a_set_and_no_longer_than_asked() -> None:
    keys = ["set1-00000", "set1-00001", "set1-00002", "set1-00005", "set2-00006", "set2-00007"]
    assert list(ranges(keys, 2)) == [keys[:2], [keys[2]], [keys[3]], keys[4:]]
    assert list(ranges([], 2)) == []
    assert list(ranges(["set1-00009", "set2-00010"], 5)) == [["set1-00009"], ["set2-00010"]]


def test_a_tick_asks_within_its_budget_and_never_for_what_is_in_flight(project: Project) -> None:
    project = replace(project, orchestration=Orchestration(shards_per_tick=5, shards_per_run=2))
    labels = ["set2-00000", "set2-00001", "set2-00002"]
    pending = Pending(missing_shards=KEYS[:3], stale_shards=KEYS[3:], missing_labels=labels, stale_labels=[])
    assert asked(pending, {KEYS[1]}, set(), project) == [
        (KEYS[0], KEYS[0], 2),
        (KEYS[2], KEYS[3], 2),
        ("set2-00000", "set2-00001", 1),
    ]


def test_what_has_failed_comes_last(project: Project) -> None:
    project = replace(project, orchestration=Orchestration(shards_per_tick=4, shards_per_run=2))
    pending = Pending(missing_shards=KEYS, stale_shards=[], missing_labels=[], stale_labels=["set2-00001"])
    assert asked(pending, set(), {KEYS[0], KEYS[1]}, project) == [
        (KEYS[2], KEYS[3], 2),
        ("set2-00001", "set2-00001", 1),
        (KEYS[0], KEYS[0], 2),
    ]


def asked(pending: Pending, busy: set[str], failed: set[str], project: Project) -> list[tuple[str, str, int]]:
    """First and last partition of each request, and the number of its assets."""
    return [
        (request.tags[RANGE_START], request.tags[RANGE_END], len(request.asset_selection or []))
        for request in requests(pending, busy, failed, project, "now")
    ]


def test_runs_under_way_are_known_by_partition_and_by_range(vocabulary: Project, instance: dg.DagsterInstance) -> None:
    job = defs.resolve_job_def("make_shard")
    for tags, status in (
        ({RANGE_START: KEYS[1], RANGE_END: KEYS[2]}, dg.DagsterRunStatus.STARTED),
        ({"dagster/partition": "set3-00003"}, dg.DagsterRunStatus.STARTING),
        ({"dagster/partition": "set3-00001"}, dg.DagsterRunStatus.SUCCESS),
    ):
        instance.create_run_for_job(job, tags=tags, status=status)
    assert partitions_in_flight(instance, vocabulary) == {KEYS[1], KEYS[2], "set3-00003"}


def test_a_range_across_sets_stays_as_it_was_requested_when_sets_grow(
    vocabulary: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the schedule, and for the run itself, which a process with the new settings executes."""
    tags, asked = {RANGE_START: KEYS[3], RANGE_END: "set2-00000"}, {KEYS[3], "set2-00000"}
    job = defs.resolve_job_def("make_shard")
    queued = instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.NOT_STARTED)
    grown = replace(vocabulary, orchestration=Orchestration(shards_per_set=40))
    assert partitions_in_flight(instance, grown) == asked
    monkeypatch.setenv("NCA_SHARDS_PER_SET", "40")
    done = warm.completed(["-c", EXECUTE.format(run=queued.run_id)], local(vocabulary.data.root))
    assert done.returncode == 0, done.stderr
    assert made(instance, SHARDS).keys() == made(instance, LABELS).keys() == asked
    instance.create_run_for_job(
        job, tags={**tags, RANGE_START: KEYS[2]}, status=dg.DagsterRunStatus.NOT_STARTED,
        parent_run_id=queued.run_id, root_run_id=queued.run_id,
    )  # fmt: skip
    assert partitions_in_flight(instance, grown) == asked


def test_a_range_across_sets_is_made_in_order(vocabulary: Project, instance: dg.DagsterInstance) -> None:
    assert vocabulary
    assert run_range(instance, KEYS[2], "set2-00001").success
    made_in_turn = [record.partition_key for record in instance.fetch_materializations(SHARDS, limit=9).records[::-1]]
    assert made_in_turn == [KEYS[2], KEYS[3], "set2-00000", "set2-00001"]


EXECUTE = """
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from nca_assets.definitions import defs
from nca_assets.in_process import project_instance
with project_instance() as instance:
    run = instance.get_run_by_id("{run}")
    assert execute_run(InMemoryJob(defs.resolve_job_def("make_shard")), run, instance).success
"""


def test_partitions_of_a_backfill_are_in_flight_before_it_has_runs(
    vocabulary: Project, instance: dg.DagsterInstance
) -> None:
    launch_backfill(instance, ["set2-00000", "set2-00001"], ["set3-00000"], "a test")
    assert partitions_in_flight(instance, vocabulary) == {"set2-00000", "set2-00001", "set3-00000"}


def test_a_failed_partition_is_known_until_it_is_made(vocabulary: Project, instance: dg.DagsterInstance) -> None:
    assert run_range(instance, KEYS[0], KEYS[1]).success
    file = vocabulary.data.manifest_file(ShardKey("set1", 1))
    content = file.read_text()
    local(file).write_text("{")
    assert not run_range(instance, KEYS[0], KEYS[1], {LABELS}).success
    assert failed_partitions(instance) == {KEYS[1]}
    local(file).write_text(content)
    assert run_range(instance, KEYS[1], KEYS[1], {LABELS}).success
    assert failed_partitions(instance) == set()


@pytest.mark.usefixtures("vocabulary")
def test_what_a_run_finishes_during_the_tick_is_not_asked_for(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is in flight is asked first, and what there is afterwards; the other way round it would be neither."""

    def finished_meanwhile(*arguments: Any) -> set[str]:
        busy = partitions_in_flight(*arguments)
        assert run_range(instance, KEYS[0], KEYS[3]).success
        return busy

    monkeypatch.setattr(scheduled, "partitions_in_flight", finished_meanwhile)
    with dg.build_schedule_context(instance) as context:
        tick = scheduled.top_up.evaluate_tick(context)
    assert {request.tags[RANGE_START] for request in tick.run_requests or []} == {"set2-00000", "set3-00000"}


@pytest.mark.usefixtures("vocabulary")
def test_the_schedule_requests_runs_that_dagster_takes_and_then_rests(instance: dg.DagsterInstance) -> None:
    assert defs.resolve_schedule_def("top_up").default_status == dg.DefaultScheduleStatus.STOPPED
    with dg.build_schedule_context(instance) as context:
        tick = top_up.evaluate_tick(context)
        assert [request.tags[RANGE_START] for request in tick.run_requests or []] == [
            "set1-00000",
            "set2-00000",
            "set3-00000",
        ]
        for request in tick.run_requests or []:
            result = run_range(instance, request.tags[RANGE_START], request.tags[RANGE_END])
            assert result.success
        tick = top_up.evaluate_tick(context)
        assert not tick.run_requests
        assert tick.skip_message == "every partition is up to date"
