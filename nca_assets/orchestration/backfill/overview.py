"""Progress of the dataset, as shown by ``nca status``."""

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import dagster as dg

from nca_assets.orchestration.partitions.in_flight import LABELS, SHARDS, failed_partitions, partitions_in_flight
from nca_assets.orchestration.partitions.pending import assess_now, pending_of
from nca_assets.project import Project
from nca_assets.warehouse.stale import SetInventory

LATEST = 50
"""Materializations from which the current rate is estimated."""


@dataclass(frozen=True)
class SetStatus:
    """Partition counts of a set. Each partition is materialized (and possibly stale) or missing; any can also be in
    flight, or have failed at its last attempt. Of the missing ones, the ``unlabeled`` have their shard."""

    on_disk: SetInventory
    partitions: int
    materialized: int
    stale: int
    failed: int
    in_flight: int
    missing: int
    unlabeled: int


@dataclass(frozen=True)
class Overview:
    """All sets, the number of pending partitions, of those in folders that can't be read, of the shards and label parts
    that Dagster does not know of, and the recent median of seconds per partition."""

    sets: list[SetStatus]
    left: int
    unreadable: int
    unreported: int
    seconds_per_partition: float | None

    @property
    def seconds_left(self) -> float | None:
        """Estimated time for the pending partitions, at one run at a time."""
        return None if self.seconds_per_partition is None else self.left * self.seconds_per_partition


def take_overview(project: Project, instance: dg.DagsterInstance) -> Overview:
    """The current state."""
    with project.data.surveyed():
        assessed = assess_now(project, instance)
        pending = pending_of(project, assessed)
    busy, failed = partitions_in_flight(instance, project), failed_partitions(instance)
    on_disk = {inventory.set: inventory for inventory in assessed.sets}
    known = {str(found.partition_key) for found in assessed.stale}
    hidden = [key for key in pending.unreadable if key in known]
    unknown = [key for key in pending.unreadable if key not in known]
    sets = []
    for name in project.sets:
        missing = _of(name, pending.missing + unknown)
        sets.append(
            SetStatus(
                on_disk=on_disk.pop(name, SetInventory(name, 0, 0, 0, 0)),
                partitions=project.orchestration.shards_per_set,
                materialized=project.orchestration.shards_per_set - missing,
                stale=_of(name, pending.stale + hidden),
                failed=_of(name, failed),
                in_flight=_of(name, busy),
                missing=missing,
                unlabeled=_of(name, pending.missing_labels),
            )
        )
    for name, inventory in on_disk.items():
        stale = _of(name, {str(s.partition_key) for s in assessed.stale if s.asset.startswith("imported")})
        sets.append(SetStatus(inventory, inventory.shards, inventory.shards, stale, 0, 0, 0, 0))
    left = len(pending.shards) + len(pending.labels)
    return Overview(sets, left, len(pending.unreadable), len(assessed.unreported), _current_rate(instance))


def _of(name: str, keys: set[str] | list[str]) -> int:
    return sum(key.startswith(f"{name}-") for key in keys)


def _current_rate(instance: dg.DagsterInstance) -> float | None:
    medians = [
        statistics.median(seconds)
        for key in (SHARDS, LABELS)
        if (seconds := [*_seconds(instance.fetch_materializations(key, limit=LATEST).records)])
    ]
    return sum(medians) if medians else None


def _seconds(records: Iterable[dg.EventLogRecord]) -> Iterator[float]:
    """Those of ``records`` that say; adopted labels don't."""
    for record in records:
        made = record.asset_materialization
        value = made and made.metadata.get("seconds")
        if value and isinstance(value.value, float | int):
            yield float(value.value)
