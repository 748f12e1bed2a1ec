"""The scheduled backfill: requests runs for what is missing or stale.

Not here: making anything (``assets``).
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

import dagster as dg

from nca_assets.orchestration.assets.jobs import shard_job
from nca_assets.orchestration.partitions.in_flight import (
    LABELS,
    RANGE_END,
    RANGE_START,
    SHARDS,
    failed_partitions,
    partitions_in_flight,
)
from nca_assets.orchestration.partitions.pending import Pending, find_pending, ranges
from nca_assets.orchestration.reporting import failures_in_one_line
from nca_assets.project import Project


def requests(
    pending: Pending, busy: Collection[str], failed: Collection[str], project: Project, tick: str
) -> Iterator[dg.RunRequest]:
    """A run for each group of what is ``pending`` and not ``busy``, up to the budget of a tick.

    What has ``failed`` comes last, so that what can't be made does not keep the rest from being made. Dagster drops a
    request whose key it has ever seen, so keys have the name of the ``tick``.
    """
    left = project.orchestration.shards_per_tick
    free = Pending(*([key for key in part if key not in busy] for part in vars(pending).values()))
    for again in (False, True):
        for keys, assets in ((free.shards, [SHARDS, LABELS]), (free.labels, [LABELS])):
            chosen = [key for key in keys if (key in failed) == again][:left]
            left -= len(chosen)
            for group in ranges(chosen, project.orchestration.shards_per_run):
                yield dg.RunRequest(
                    run_key=f"{tick} {group[0]}",
                    asset_selection=assets,
                    tags={RANGE_START: group[0], RANGE_END: group[-1]},
                )


DESCRIPTION = """Fills the dataset. Each tick requests runs for shards and labels that are missing, then for those that
are stale, up to `NCA_SHARDS_PER_TICK` partitions. Partitions in flight are left alone; those that failed come last.
Missing and stale are judged by the files, so a deleted or damaged shard is made again."""


@dg.schedule(job=shard_job, cron_schedule=Project.load().orchestration.top_up_cron, description=DESCRIPTION)
def top_up(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Every ten minutes by default; off until it is switched on."""
    with failures_in_one_line():
        project = Project.load()
        pending = find_pending(project, context.instance)
    busy, failed = partitions_in_flight(context.instance, project), failed_partitions(context.instance)
    asked = list(requests(pending, busy, failed, project, tick=datetime.now(UTC).isoformat()))
    if not asked:
        done = "in flight" if busy.intersection(pending.shards + pending.labels) else "made and fresh"
        yield dg.SkipReason(f"every partition is {done}")
    yield from asked


schedules = [top_up]
