"""The rollouts and their labels: one shard and one label part per partition, many partitions per run, made by one op.

The op reports each partition as it finishes, so a failed or killed run loses no finished partition.
"""

from collections.abc import Iterator

import dagster as dg

from nca_assets.assets.data_state import report_data_state
from nca_assets.assets.rollout_specs import LABELS, SHARDS
from nca_assets.automation.database import retry_while_down
from nca_assets.automation.partition_events import report_materialization, reported_by_this_run
from nca_assets.automation.partition_work import Made
from nca_assets.automation.partitions import shard_partitions
from nca_assets.automation.reporting import working
from nca_assets.automation.shard_checks import report_verdicts
from nca_assets.automation.workers import Job, make_all
from nca_assets.errors import DiskFullError, NcaError, TransientError
from nca_assets.ids import ShardKey
from nca_assets.project import Project


@dg.multi_asset(
    specs=[SHARDS, LABELS],
    partitions_def=shard_partitions,
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.multi_run(Project.load().orchestration.shards_per_run),
    pool="device",
)
def rollouts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Simulate and label the shards of this run's partitions: one after another or, on a Ray cluster, in parallel.

    A partition that can't be made fails the run at its end, after the others are done; a full disk fails it at once.
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
            raise _summary(failures, len(keys))
    yield from ()  # every partition has already been reported


def _materialize_each(context: dg.AssetExecutionContext, keys: list[ShardKey], project: Project) -> list[NcaError]:
    specs = {spec.key.to_user_string(): spec for spec in (SHARDS, LABELS) if spec.key in context.selected_asset_keys}
    done = {name: reported_by_this_run(context, spec.key) for name, spec in specs.items()}
    jobs = [
        Job(key, list(specs), frozenset(name for name, partitions in done.items() if str(key) in partitions))
        for key in keys
    ]
    failures: list[NcaError] = []
    for job, asset, outcome in make_all(jobs, project, context):
        try:
            _report(context, specs[asset], str(job.key), outcome)
        except DiskFullError:
            raise
        except NcaError as error:
            failures.append(error)
            line = f"{job.key}: {error}"
            retry_while_down(lambda line=line: context.log.error(line))
    return failures


def _report(context: dg.AssetExecutionContext, spec: dg.AssetSpec, partition: str, outcome: Made | NcaError) -> None:
    if isinstance(outcome, NcaError):
        raise outcome
    if outcome.version:
        report_materialization(context, spec, partition, outcome.version, outcome.metadata)
    report_verdicts(context, spec.key, partition, outcome.verdicts)


def _summary(failures: list[NcaError], partitions: int) -> NcaError:
    """The first failure (a transient one if there is any), with the number of others."""
    first = next((failure for failure in failures if isinstance(failure, TransientError)), failures[0])
    others = f" (and {len(failures) - 1} more of {partitions} partitions; see the log)" if failures[1:] else ""
    return type(first)(f"{first}{others}")
