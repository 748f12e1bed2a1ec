"""Folders that can't be read, and the partitions that may be in them, which are therefore stale rather than missing.

Not here: noticing them (``store.local``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from nca_assets.data_folder import DataFolder
from nca_assets.ids import set_number
from nca_assets.store.location import place_in

LABELS = ("behavior_labels", "imported_labels")
ASSETS = {
    "labels": LABELS,
    "curve_sums": LABELS,
    "imported": ("imported_shards",),
    "collections": ("collections",),
}
"""The assets whose files are in a folder, or in folders of it."""


@dataclass(frozen=True)
class Unreadable:
    """A folder that can't be read, and why. It may hold the partitions of the ``assets`` whose keys match the
    ``pattern``, in which * stands for any text."""

    assets: tuple[str, ...]
    pattern: str
    reason: str

    def may_hold(self, asset: str, partition_key: str) -> bool:
        """Whether a file of this partition may be in it."""
        return asset in self.assets and fnmatchcase(partition_key, self.pattern)


def unreadable_folders(data: DataFolder, unreadable: Mapping[Path, str]) -> list[Unreadable]:
    """The folders among the ``unreadable``, as a survey of ``data`` gives them, that are its own."""
    own = {rollout_set.folder: name for name, rollout_set in data.sets.items()}
    numbers = {str(set_number(name)): name for name in data.sets}
    found = []
    for folder, reason in unreadable.items():
        if not folder.is_relative_to(str(data.root)):
            continue  # where the file of an imported shard should be
        place = place_in(data.root, folder)
        if match := re.fullmatch(rf"({'|'.join(ASSETS)})(?:/(?:set=)?([^/]+))?", place):
            kind, part = match.groups()
            name = numbers.get(part, part)
            pattern = "*" if name is None else name if kind == "collections" else f"{name}-*"
            found.append(Unreadable(ASSETS[kind], pattern, reason))
        else:
            found.append(Unreadable(("rollout_shards",) if place in own else (), f"{own.get(place)}-*", reason))
    return found
