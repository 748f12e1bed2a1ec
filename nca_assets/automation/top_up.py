"""The scheduled backfill: at each tick, request runs for what is missing, then for what is stale, within a budget.

What is missing or stale is read from the files, which is right for any number of partitions; what is in flight is read
from the instance. Not here: making anything (``assets``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

import dagster as dg

from nca_assets.automation.jobs import shard_job
from nca_assets.naming import ShardKey, materialized_labels, materialized_shards
from nca_assets.settings import Settings, load_settings

SHARDS, LABELS = dg.AssetKey("rollout_shards"), dg.AssetKey("behavior_labels")
RANGE_START, RANGE_END, PARTITION = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
    "dagster/partition",
)

IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class Wanted:
    """Partitions to make, in order of urgency: with their shards, or only their labels."""

    shards: list[str]
    labels: list[str]


def find_wanted(settings: Settings) -> Wanted:
    """What is missing, then what is stale."""
    from nca_assets.warehouse.stale import find_stale

    made = {str(key) for key in materialized_shards(settings.data)}
    labelled = {str(key) for key in materialized_labels(settings.data)}
    stale = {(found.asset, found.partition_key) for found in find_stale(settings.data)}
    every = settings.partition_keys()
    stale_shards = [key for key in every if key in made and ("rollout_shards", key) in stale]
    shards = [key for key in every if key not in made] + stale_shards
    fresh = made - set(stale_shards)
    unlabelled = [key for key in every if key in fresh and key not in labelled]
    stale_labels = [key for key in every if key in fresh & labelled and ("behavior_labels", key) in stale]
    return Wanted(shards, unlabelled + stale_labels)


def partitions_in_flight(instance: dg.DagsterInstance, settings: Settings) -> set[str]:
    """The shard partitions that runs, queued or under way, will make."""
    every = settings.partition_keys()
    position = {key: n for n, key in enumerate(every)}
    busy: set[str] = set()
    for record in instance.get_run_records(dg.RunsFilter(statuses=IN_FLIGHT)):
        tags = record.dagster_run.tags
        first = tags.get(RANGE_START, tags.get(PARTITION))
        last = tags.get(RANGE_END, first)
        if first in position and last in position:
            busy |= set(every[position[first] : position[last] + 1])
    return busy


def ranges(keys: Iterable[str], longest: int, shards_per_set: int) -> Iterator[list[str]]:
    """``keys`` in groups of at most ``longest`` that follow each other within their set, in the given order."""
    group: list[str] = []
    for key in keys:
        follows = group and ShardKey.parse(group[-1], shards_per_set).next == ShardKey.parse(key, shards_per_set)
        if group and (not follows or len(group) == longest):
            yield group
            group = []
        group.append(key)
    if group:
        yield group


def requests(wanted: Wanted, busy: set[str], settings: Settings, tick: str) -> Iterator[dg.RunRequest]:
    """A run for each group of what is ``wanted`` and not ``busy``, up to the budget of a tick.

    Dagster drops a request whose key it has ever seen, so keys have the name of the ``tick``.
    """
    left = settings.shards_per_tick
    for keys, assets in ((wanted.shards, [SHARDS, LABELS]), (wanted.labels, [LABELS])):
        chosen = [key for key in keys if key not in busy][:left]
        left -= len(chosen)
        for group in ranges(chosen, settings.shards_per_run, settings.shards_per_set):
            yield dg.RunRequest(
                run_key=f"{tick} {group[0]}",
                asset_selection=assets,
                tags={RANGE_START: group[0], RANGE_END: group[-1]},
            )


@dg.schedule(job=shard_job, cron_schedule="*/10 * * * *", description=__doc__)
def top_up(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Every ten minutes; off until it is switched on."""
    settings = load_settings()
    wanted, busy = find_wanted(settings), partitions_in_flight(context.instance, settings)
    asked = list(requests(wanted, busy, settings, tick=datetime.now(UTC).isoformat()))
    if not asked:
        done = "in flight" if set(chain(wanted.shards, wanted.labels)) & busy else "made and fresh"
        yield dg.SkipReason(f"every partition is {done}")
    yield from asked


schedules = [top_up]
