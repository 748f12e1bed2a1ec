"""What automation would ask for: labels after shards, the warehouse once after many labels, and nothing twice."""

from collections.abc import Callable

import dagster as dg
import pytest

from nca_assets.definitions import defs
from nca_assets.orchestration.partitions.in_flight import RANGE_END, RANGE_START
from nca_assets.project import Project
from nca_assets_tests.orchestration.test_chain import LABELS, SHARDS, TABLE_KEYS, run_job
from nca_assets_tests.orchestration.test_ranges import KEYS, run_range

pytestmark = pytest.mark.slow

Requested = set[tuple[str, str | None]]


@pytest.fixture
def tick(vocabulary: Project, instance: dg.DagsterInstance) -> Callable[[], Requested]:
    """One evaluation after the other: what each asks for."""
    assert vocabulary
    cursor = None

    def evaluate() -> Requested:
        nonlocal cursor
        result = dg.evaluate_automation_conditions(defs, instance, asset_selection=AUTOMATED, cursor=cursor)
        cursor = result.cursor
        asked: Requested = set()
        for key in (SHARDS, LABELS):
            asked |= {(key.to_user_string(), partition) for partition in result.get_requested_partitions(key)}
        for key in TABLE_KEYS:
            if result.get_num_requested(key):
                asked.add((key.to_user_string(), None))
        return asked

    return evaluate


AUTOMATED = dg.AssetSelection.assets(LABELS, *TABLE_KEYS)
TABLES: Requested = {(key.to_user_string(), None) for key in TABLE_KEYS}


def test_labels_follow_shards_and_tables_follow_labels_once(
    tick: Callable[[], Requested], instance: dg.DagsterInstance
) -> None:
    tick()
    assert run_range(instance, KEYS[0], KEYS[1], {SHARDS}).success
    asked = tick()
    assert asked >= {("behavior_labels", key) for key in KEYS[:2]}
    assert not {asset for asset, _ in asked if asset == "rollout_shards"}
    assert run_range(instance, KEYS[0], KEYS[1], {LABELS}).success
    assert TABLES & tick() >= {("analytics/labels", None), ("analytics/label_parts", None)}
    assert run_job(instance, "build_analytics").success
    tick()
    assert tick() == set()


def test_shards_made_with_their_labels_ask_for_no_labels(
    tick: Callable[[], Requested], instance: dg.DagsterInstance
) -> None:
    tick()
    assert run_range(instance, KEYS[0], KEYS[2]).success
    assert {asset for asset, _ in tick()} & {"behavior_labels", "rollout_shards"} == set()


def test_tables_wait_for_what_is_being_made(tick: Callable[[], Requested], instance: dg.DagsterInstance) -> None:
    tick()
    assert run_range(instance, KEYS[0], KEYS[1]).success
    job = defs.resolve_job_def("make_shard")
    run = instance.create_run_for_job(
        job, tags={RANGE_START: KEYS[2], RANGE_END: KEYS[3]}, status=dg.DagsterRunStatus.STARTED,
        asset_selection=frozenset({SHARDS, LABELS}),
    )  # fmt: skip
    assert ("analytics/labels", None) not in tick()
    instance.report_run_canceled(run)
    assert ("analytics/labels", None) in tick()
