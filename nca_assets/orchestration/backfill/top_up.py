"""The scheduled backfill: each tick requests missing partitions, then stale ones, within a budget.

Pending partitions are determined from the files, partitions in flight from the instance.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime

import dagster as dg

from nca_assets.errors import NcaError
from nca_assets.orchestration.assets.jobs import shard_job
from nca_assets.orchestration.backfill.adopt import adopt
from nca_assets.orchestration.partitions.in_flight import (
    LABELS,
    RANGE_END,
    RANGE_START,
    SHARDS,
    failed_partitions,
    partitions_in_flight,
)
from nca_assets.orchestration.partitions.pending import Pending, assess_now, pending_of, ranges
from nca_assets.orchestration.reporting import failures_in_one_line
from nca_assets.project import Project

ADOPTED_PER_TICK = 500
"""Some 20 s of the minute after which Dagster ends a tick."""


def requests(
    pending: Pending, busy: Collection[str], failed: Collection[str], project: Project, tick: str
) -> Iterator[dg.RunRequest]:
    """A run per group of ``pending`` partitions that are not ``busy``, up to the budget of a tick.

    Those that ``failed`` before come last, so that they can't hold up the rest. Dagster ignores a request whose key was
    used before, so each key includes the ``tick``.
    """
    left = project.orchestration.shards_per_tick
    free = Pending(*([key for key in part if key not in busy] for part in vars(pending).values()))
    for retrying in (False, True):
        for keys, assets in ((free.shards, [SHARDS, LABELS]), (free.labels, [LABELS])):
            chosen = [key for key in keys if (key in failed) == retrying][:left]
            left -= len(chosen)
            for group in ranges(chosen, project.orchestration.shards_per_run):
                yield dg.RunRequest(
                    run_key=f"{tick} {group[0]}",
                    asset_selection=assets,
                    tags={RANGE_START: group[0], RANGE_END: group[-1]},
                )


DESCRIPTION = """Fills the dataset. Each tick requests missing shards and labels, then stale ones, up to
`NCA_SHARDS_PER_TICK` partitions. Partitions in flight are skipped; those that failed come last. Missing and stale are
judged by the files, so deleted or damaged shards are remade. First, data that Dagster does not know of are adopted."""


def _schedule(function: Callable[..., Iterator[dg.RunRequest | dg.SkipReason]]) -> dg.ScheduleDefinition:
    cron = Project.load().orchestration.top_up_cron
    try:
        return dg.schedule(job=shard_job, cron_schedule=cron, description=DESCRIPTION)(function)
    except dg.DagsterInvalidDefinitionError:
        raise NcaError(
            f"NCA_TOP_UP_CRON={cron}: no time is written like that in cron. Correct it, or unset it for the default."
        ) from None


@_schedule
def top_up(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Every ten minutes by default; off until it is switched on."""
    with failures_in_one_line():
        project = Project.load()
        # First: work finished meanwhile counts as made.
        busy, failed = partitions_in_flight(context.instance, project), failed_partitions(context.instance)
        with project.data.surveyed():
            assessed = assess_now(project, context.instance)
            if adopt(assessed, project, context.instance, busy, ADOPTED_PER_TICK):
                assessed = assess_now(project, context.instance)
            pending = pending_of(project, assessed)
    asked = list(requests(pending, busy, failed, project, tick=datetime.now(UTC).isoformat()))
    if not asked:
        in_flight = busy.intersection(pending.shards + pending.labels)
        state = "pending partition is in flight" if in_flight else "partition is up to date"
        reasons = "; ".join(folder.reason for folder in assessed.unreadable)
        yield dg.SkipReason(f"every readable {state}: {reasons}" if reasons else f"every {state}")
    yield from asked


schedules = [top_up]
