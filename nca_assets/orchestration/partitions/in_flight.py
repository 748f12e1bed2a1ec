"""Partitions in flight, and partitions whose last attempt failed, from the Dagster instance."""

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

from nca_assets.ids import ShardKey
from nca_assets.orchestration.instance.database import retry_while_down
from nca_assets.project import Project

SHARDS, LABELS = dg.AssetKey("rollout_shards"), dg.AssetKey("behavior_labels")
RANGE_START, RANGE_END, PARTITION = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
    "dagster/partition",
)

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

RUNS_AT_ONCE = 200


def partitions_in_flight(instance: dg.DagsterInstance, project: Project) -> set[str]:
    """The shard partitions of all queued and active runs and backfills."""
    every = set(project.partition_keys())
    busy = _left_of_backfills(instance) & every
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED)):
        tags = record.dagster_run.tags
        if tags.get(RANGE_START, tags.get(PARTITION)) in every:
            busy |= every.intersection(named_partitions(instance, record.dagster_run))
    return busy


def named_partitions(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[str]:
    """The shard partitions that ``run`` names; none if Dagster logged none.

    A range across sets means what it did when the run, or the one that it repeats, was requested, when Dagster logged
    each of its partitions: NCA_SHARDS_PER_SET may have been raised since, and others lie between its ends now.
    """
    if RANGE_START not in run.tags:
        return {run.tags[PARTITION]}
    first, last = ShardKey.parse(run.tags[RANGE_START]), ShardKey.parse(run.tags[RANGE_END])
    if first.set == last.set and not first.imported:
        return {str(ShardKey(first.set, number)) for number in range(first.number, last.number + 1)}
    asked, planned_event = run.root_run_id or run.run_id, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    requested = retry_while_down(lambda: instance.all_logs(asked, of_type=planned_event))
    planned = (log.dagster_event.partition for log in requested if log.dagster_event)
    return {partition for partition in planned if partition}


def _left_of_backfills(instance: dg.DagsterInstance) -> set[str]:
    left: set[str] = set()
    active = BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING])
    for backfill in instance.get_backfills(active):
        if backfill.asset_backfill_data:
            state = backfill.asset_backfill_data
            done = state.materialized_subset | state.failed_and_downstream_subset
            for subset in (state.target_subset - done).partitions_subsets_by_asset_key.values():
                left |= set(subset.get_partition_keys())
    return left


def failed_partitions(instance: dg.DagsterInstance) -> set[str]:
    """The shard partitions whose latest attempt (shard or labels) ended in a failed run."""
    attempts = {
        (partition, run_id)
        for key in (SHARDS, LABELS)
        for partition, (run_id, _) in (
            instance.event_log_storage.get_latest_asset_partition_materialization_attempts_without_materializations(key)
        ).items()
    }
    runs = sorted({run_id for _, run_id in attempts})
    failed: set[str] = set()
    for start in range(0, len(runs), RUNS_AT_ONCE):
        which = dg.RunsFilter(run_ids=runs[start : start + RUNS_AT_ONCE], statuses=[dg.DagsterRunStatus.FAILURE])
        failed |= {run.run_id for run in instance.get_runs(which)}
    return {partition for partition, run_id in attempts if run_id in failed}
