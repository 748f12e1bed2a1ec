"""The rollouts and their labels: one shard and one label part a partition, made by one op, many partitions a run.

The op reports each partition as it finishes, so what is done stays done when a run fails or is killed.
"""

from collections.abc import Iterator
from functools import partial

import dagster as dg

from nca_assets.errors import DiskFullError, NcaError, TransientError
from nca_assets.ids import ShardKey
from nca_assets.orchestration.assets.data_state import report_data_state
from nca_assets.orchestration.assets.rollout_specs import LABELS, SHARDS
from nca_assets.orchestration.instance.database import retry_while_down
from nca_assets.orchestration.partitions.events import report_materialization, report_verdicts, reported_by_this_run
from nca_assets.orchestration.partitions.keys import shard_partitions
from nca_assets.orchestration.reporting import as_metadata, progress_in_log, working
from nca_assets.project import Project
from nca_assets.workers import local, on_ray, stages
from nca_assets.workers.stages import Job, Made

STAGES = ((stages.SHARDS, SHARDS), (stages.LABELS, LABELS))
"""In the order in which a partition's assets are made."""


@dg.multi_asset(
    name="shards_and_labels",
    specs=[SHARDS, LABELS],
    partitions_def=shard_partitions,
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.multi_run(Project.load().orchestration.shards_per_run),
    pool="device",
)
def rollouts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Simulate and label the shards of this run's partitions: here one after the other, on a Ray cluster side by side.

    A partition that can't be made fails the run, but does not keep others from being made, unless the disk is full.
    """
    from nca_assets.automaton.device import require_device
    from nca_assets.shards.space import require_space

    with working(context) as (project, data):
        if not project.orchestration.ray:
            require_device(project.resources.device)
        keys = [project.shard_key(partition) for partition in context.partition_keys]
        if SHARDS.key in context.selected_asset_keys:
            require_space(keys, data)
        try:
            failures = _materialize_each(context, keys, project)
        finally:
            report_data_state(context)
        if failures:
            raise _all_in_one(failures, len(keys))
    yield from ()  # each partition has been reported already


def _materialize_each(context: dg.AssetExecutionContext, keys: list[ShardKey], project: Project) -> list[NcaError]:
    selected = {stage.name: spec for stage, spec in STAGES if spec.key in context.selected_asset_keys}
    wanted = tuple(stage for stage, _ in STAGES if stage.name in selected)
    done = {name: reported_by_this_run(context, spec.key) for name, spec in selected.items()}
    jobs = [
        Job(key, wanted, frozenset(name for name, partitions in done.items() if str(key) in partitions)) for key in keys
    ]
    failures: list[NcaError] = []
    workers = on_ray if project.orchestration.ray else local
    for job, stage, result in workers.make_all(jobs, project, partial(progress_in_log, context)):
        try:
            _report(context, selected[stage.name], str(job.key), result)
        except DiskFullError:
            raise
        except NcaError as error:
            failures.append(error)
            line = f"{job.key}: {error}"
            retry_while_down(lambda line=line: context.log.error(line))
    return failures


def _report(context: dg.AssetExecutionContext, spec: dg.AssetSpec, partition: str, result: Made | NcaError) -> None:
    if isinstance(result, NcaError):
        raise result
    if result.version:
        report_materialization(context, spec, partition, result.version, as_metadata(result.facts))
    report_verdicts(context, spec.key, partition, result.verdicts)


def _all_in_one(failures: list[NcaError], partitions: int) -> NcaError:
    """The first failure, one that can be tried again if there is any such, and how many more there are."""
    first = next((failure for failure in failures if isinstance(failure, TransientError)), failures[0])
    others = f" (and {len(failures) - 1} more of {partitions} partitions; the log has each)" if failures[1:] else ""
    return type(first)(f"{first}{others}")
