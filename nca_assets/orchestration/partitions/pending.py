"""Missing and stale partitions, determined from the files; works for any number of partitions.

Not here: requesting them (``top_up``, ``backfill``), or partitions in flight (``in_flight``).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg

from nca_assets.ids import ShardKey
from nca_assets.orchestration.instance.binding import bind
from nca_assets.orchestration.partitions.events import latest_versions
from nca_assets.project import Project

if TYPE_CHECKING:
    from nca_assets.warehouse.stale import Assessment

ASSETS = ("rollout_shards", "behavior_labels", "imported_shards", "imported_labels")
"""Assets whose partitions can be stale."""


@dataclass(frozen=True)
class Pending:
    """Pending partition keys, in order: those to simulate and label, and those to label only.

    The ``unreadable`` may be in a folder that can't be read. They are not to be made again: they might be there, and
    would be made again for as long as the folder can't be read.
    """

    missing_shards: list[str]
    stale_shards: list[str]
    missing_labels: list[str]
    stale_labels: list[str]
    unreadable: list[str] = field(default_factory=list)

    @property
    def shards(self) -> list[str]:
        """Shards to make, most urgent first."""
        return self.missing_shards + self.stale_shards

    @property
    def labels(self) -> list[str]:
        """Labels to make for current shards, most urgent first."""
        return self.missing_labels + self.stale_labels

    @property
    def missing(self) -> list[str]:
        """Partitions without a shard or without labels."""
        return self.missing_shards + self.missing_labels

    @property
    def stale(self) -> list[str]:
        """Partitions whose shard or labels are out of date."""
        return self.stale_shards + self.stale_labels

    def only(self, keys: Collection[str]) -> "Pending":
        """The subset within ``keys``."""
        return Pending(*([key for key in part if key in keys] for part in vars(self).values()))


def find_pending(project: Project, instance: dg.DagsterInstance) -> Pending:
    """Missing and stale partitions, damaged ones included."""
    with project.data.surveyed():
        return pending_of(project, assess_now(project, instance))


def assess_now(project: Project, instance: dg.DagsterInstance) -> "Assessment":
    """Assess the files on disk, also against the latest materializations of ``instance``.

    Raises ``NcaError`` if ``instance`` belongs to another dataset.
    """
    from nca_assets.warehouse.stale import assess

    bind(instance, project.data)
    return assess(project.data, {name: latest_versions(instance, dg.AssetKey(name)) for name in ASSETS})


def pending_of(project: Project, assessed: "Assessment") -> Pending:
    """Missing and stale partitions, given an assessment of the disk."""
    from nca_assets.warehouse.unreadable import unreadable_folders

    stale = {(found.asset, found.partition_key) for found in assessed.stale}
    with project.data.surveyed() as unreadable:
        made = {str(key) for key in project.data.shards()}
        labelled = {str(key) for key in project.data.labelled_shards()}
        folders = {*assessed.unreadable, *unreadable_folders(project.data, unreadable)}  # a failing disk fails any time
    hidden = {
        key
        for key in (project.partition_keys() if folders else ())
        if any(folder.may_hold(asset, key) for folder in folders for asset in ("rollout_shards", "behavior_labels"))
    }
    every = [key for key in project.partition_keys() if key not in hidden]
    stale_shards = [key for key in every if key in made and ("rollout_shards", key) in stale]
    fresh = made.difference(stale_shards)
    fresh_and_labelled = fresh & labelled
    return Pending(
        missing_shards=[key for key in every if key not in made],
        stale_shards=stale_shards,
        missing_labels=[key for key in every if key in fresh and key not in labelled],
        stale_labels=[key for key in every if key in fresh_and_labelled and ("behavior_labels", key) in stale],
        unreadable=sorted(hidden),
    )


def ranges(keys: Iterable[str], longest: int) -> Iterator[list[str]]:
    """``keys`` in groups of at most ``longest`` consecutive shards of a set, in the given order."""
    group: list[str] = []
    for key in keys:
        follows = group and ShardKey.parse(group[-1]).next == ShardKey.parse(key)
        if group and (not follows or len(group) == longest):
            yield group
            group = []
        group.append(key)
    if group:
        yield group
