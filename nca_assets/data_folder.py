"""A dataset's folder, local or in a bucket: its shape, the paths of its files, and which of them exist."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from nca_assets.description import (
    Description,
    RolloutSet,
    Shape,
    create_description,
    description_file,
    read_description,
    replace_description,
    require_distinct,
    shape_of_shards,
)
from nca_assets.errors import NcaError
from nca_assets.ids import IMPORTED_NAME, RolloutId, ShardKey, is_own, set_number, tokens_name
from nca_assets.store.local import passing_over_unreadable
from nca_assets.store.location import Stored, parse_location, require_fit_path
from nca_assets.store.store import current, listed_once, names, names_below, remove_leftovers, require_writable

if TYPE_CHECKING:
    from nca_assets.automaton.recipe import Rule

log = logging.getLogger(__name__)

INPUTS = ("imported", "labels", "curve_sums", "findings", "history", "collections", "tasks")
"""Folders with inputs of tables, beside those of sets."""


@dataclass(frozen=True)
class DataFolder:
    """A dataset at its location. ``id`` is None until its description is written."""

    root: Stored
    id: str | None
    shard_size: int = field(compare=False)
    sets: Mapping[str, RolloutSet] = field(compare=False)

    @classmethod
    def open(cls, location: str | Stored) -> Self:
        """The dataset in a folder, or at ``s3://bucket/prefix``.

        Raises ``NcaError`` if there is none, or if its description is damaged or from a newer release.
        """
        root = parse_location(location)
        require_fit_path(root)
        if found := described(root):
            return cls._of(root, found)
        raise NcaError(f"{root} holds no dataset: name a folder with a dataset.json, or make one with 'nca init'")

    @classmethod
    def plan(cls, location: str | Stored, shape: Shape) -> Self:
        """The existing dataset, or else an empty one of this ``shape``; writes nothing.

        Adds the sets of ``shape`` that the dataset lacks. Raises ``NcaError`` as ``open`` does.
        """
        root = parse_location(location)
        require_fit_path(root)
        found = described(root) or shape
        return cls._of(root, found.model_copy(update={"sets": {**shape.sets, **found.sets}}))

    @classmethod
    def create(cls, location: str | Stored, shape: Shape) -> Self:
        """The existing dataset, or else a new one of this ``shape``, with its description written.

        Adds the sets of ``shape`` that the dataset lacks. Of several processes that create it at once, one assigns the
        id. Raises ``NcaError`` if its shape differs or the folder can't be written to, or as ``open`` does.
        """
        root = parse_location(location)
        require_fit_path(root)
        require_writable(root)
        found = described(root)
        if not isinstance(found, Description):
            create_description(Description(**dict(found or shape)), root)
            found = read_description(root)
        remove_leftovers(root, description_file(root).name)  # of a process that died while it described the dataset
        if found is None:
            raise NcaError(f"{description_file(root)} was removed while being read: run it again")
        _require_shape(found, shape, root)
        if shape.sets.keys() - found.sets.keys():
            sets = {**shape.sets, **found.sets}
            require_distinct(sets, root)
            found = found.model_copy(update={"sets": dict(sorted(sets.items()))})
            replace_description(found, root)
        return cls._of(root, found)

    @classmethod
    def _of(cls, root: Stored, shape: Shape) -> Self:
        return cls(root, shape.id if isinstance(shape, Description) else None, shape.shard_size, shape.sets)

    def __truediv__(self, name: str) -> Stored:
        return self.root / name

    def __str__(self) -> str:
        return str(self.root)

    @property
    def location(self) -> str:
        """The folder's absolute path, or its address in a bucket."""
        return str(self.root.absolute())

    def own_set(self, name: str) -> RolloutSet:
        """The native set ``name``. Raises ``NcaError`` if there is none."""
        if not is_own(name):
            raise NcaError(f"set {name!r} was imported: its rollouts have files but no recipes")
        if name not in self.sets:
            raise NcaError(f"{self} has no set {name!r}: use one of {', '.join(self.sets)}, or add it to nca.toml")
        return self.sets[name]

    def rule(self, set_name: str, index: int) -> Rule:
        """The rule of a rollout of a native set. Raises ``NcaError`` as ``own_set`` does."""
        from nca_assets.automaton.recipe import draw_rule

        return draw_rule(self.own_set(set_name).population, index)

    def shard_of(self, rollout: RolloutId) -> ShardKey:
        """The shard of a rollout of a native set."""
        return ShardKey(rollout.set, rollout.index // self.shard_size)

    def rollout_indices(self, key: ShardKey) -> range:
        """The indices of a shard's rollouts within their set."""
        return range(key.number * self.shard_size, (key.number + 1) * self.shard_size)

    def tokens_file(self, key: ShardKey) -> Stored:
        """Path of the shard's tokens."""
        return self.root / f"{self.own_set(key.set).folder}/{tokens_name(key.number)}"

    def manifest_file(self, key: ShardKey) -> Stored:
        """Path of the shard's manifest."""
        if key.imported:
            return self.root / f"imported/{key.set}/shard_{key.number:05d}.json"
        return self.root / f"{self.own_set(key.set).folder}/shard_{key.number:05d}.json"

    def labels_file(self, key: ShardKey) -> Stored:
        """Path of the shard's label part."""
        return self.root / f"labels/{_part(key)}"

    def curves_file(self, key: ShardKey) -> Stored:
        """Path of the shard's curves."""
        return self.root / f"curves/{_part(key)}"

    def curve_sums_file(self, key: ShardKey) -> Stored:
        """Path of the sums of the shard's curves by behavior."""
        return self.root / f"curve_sums/{_part(key)}"

    def finding_file(self, key: ShardKey) -> Stored:
        """Path of the shard's finding, if verification recorded one."""
        return self.root / "findings" / f"{key}.txt"

    def labels_finding_file(self, key: ShardKey) -> Stored:
        """Path of the finding of the shard's labels, if verification recorded one."""
        return self.root / "findings" / f"{key}.labels.txt"

    @property
    def centroids_file(self) -> Stored:
        """Path of the vocabulary."""
        return self.root / "centroids.pt"

    def csv_file(self, set_name: str) -> Stored:
        """Path of a set's labels as CSV, with the original dataset's names: dataset_labels_set.csv, …_set2.csv, …"""
        number = set_number(set_name)
        return self.root / f"dataset_labels_set{number if number > 1 else ''}.csv"

    @property
    def scores_file(self) -> Stored:
        """Path of the scores of the long-horizon task."""
        return self.root / "tasks" / "long_horizon.parquet"

    @property
    def boards_file(self) -> Stored:
        """Path of the boards of the long-horizon task."""
        return self.root / "tasks" / "boards.parquet"

    def figure_file(self, name: str, form: str) -> Stored:
        """Path of a figure; ``form`` is png or svg."""
        return self.root / "figures" / f"{name}.{form}"

    @property
    def explorer_file(self) -> Stored:
        """Path of the explorer, a single HTML file."""
        return self.root / "explorer.html"

    @property
    def card_file(self) -> Stored:
        """Path of the dataset card."""
        return self.root / "dataset_card.md"

    @property
    def published_folder(self) -> Stored:
        """Path of the published dataset, a folder."""
        return self.root / "published"

    def warehouse_file(self) -> Stored:
        """Path of the published warehouse; in a bucket, of its current version, which takes a request."""
        return current(self / "nca.duckdb", self / "warehouse")

    @contextmanager
    def surveyed(self) -> Iterator[Mapping[Path, str]]:
        """Take stock of what there is during the block: in a bucket, the folders of all inputs of tables are listed
        once (``store.listed_once``); local folders that can't be read list as empty, and are given with the reason as
        they are met (``store.passing_over_unreadable``)."""
        sets = (rollout_set.folder for rollout_set in self.sets.values())
        with listed_once(self / name for name in (*sets, *INPUTS)), passing_over_unreadable() as unreadable:
            yield unreadable

    def shards(self) -> list[ShardKey]:
        """The shards of native sets that have a manifest, in order."""
        folders = {name: self / rollout_set.folder for name, rollout_set in self.sets.items()}
        return sorted(
            ShardKey(name, int(match[1]))
            for name, folder in folders.items()
            for match in named(rf"{_MANIFEST}|shard_\d{{5}}\.npz", names(folder), folder)
            if match[1]
        )

    def imported_shards(self) -> list[ShardKey]:
        """The shards of imported sets, in order."""
        found = named(rf"({IMPORTED_NAME})/{_MANIFEST}", names_below(self / "imported"), self / "imported")
        return sorted(ShardKey(match[1], int(match[2])) for match in found)

    def labelled_shards(self) -> list[ShardKey]:
        """The shards that have a label part, imported ones included, in order."""
        return self._parts("labels")

    def summed_shards(self) -> list[ShardKey]:
        """The shards that have curve sums, imported ones included, in order."""
        return self._parts("curve_sums")

    def _parts(self, kind: str) -> list[ShardKey]:
        numbers = {str(set_number(name)): name for name in self.sets}
        pattern = rf"set=({'|'.join(numbers)}|{IMPORTED_NAME})/shard=(\d{{5}})\.parquet"
        found = named(pattern, names_below(self / kind), self / kind)
        return sorted(ShardKey(numbers.get(match[1], match[1]), int(match[2])) for match in found)


def named(pattern: str, found: Iterable[str], folder: Stored | DataFolder) -> Iterator[re.Match[str]]:
    """The matches of the names ``found`` in ``folder``. Other files, such as stray copies, are skipped and, unless
    hidden, logged."""
    for name in found:
        if match := re.fullmatch(pattern, name):
            yield match
        elif not name.rpartition("/")[2].startswith("."):
            _mention(folder / name)


@cache
def _mention(file: Stored) -> None:
    """Once per process."""
    log.warning("%s is ignored: unexpected file name", file)


_MANIFEST = r"shard_(\d{5})\.json"


def _part(key: ShardKey) -> str:
    name = key.set if key.imported else set_number(key.set)
    return f"set={name}/shard={key.number:05d}.parquet"


def _require_shape(existing: Shape, requested: Shape, root: Stored) -> None:
    """Raise ``NcaError`` if a dataset's shape differs from ``requested``."""
    differing = [("shards", f"of {existing.shard_size} rollouts", f"of {requested.shard_size}")] * (
        existing.shard_size != requested.shard_size
    )
    for name in sorted(existing.sets.keys() & requested.sets.keys()):
        for entry, has in existing.sets[name].model_dump().items():
            if has != (wanted := getattr(requested.sets[name], entry)):
                differing.append((f"{name}'s {entry}", str(has), str(wanted)))
    for what, has, wanted in differing:
        raise NcaError(
            f"{root} has {what} {has}, not {wanted} as requested: unset NCA_SHARD_SIZE and NCA_FRAMES, correct "
            "nca.toml, or name another folder with NCA_DATA"
        )


def described(root: Stored) -> Shape | None:
    """The description of the folder ``root``, or None if it holds no dataset.

    A folder that predates descriptions gets one derived from its shards; if that can't be written, the shape alone is
    returned. Raises ``NcaError`` as ``DataFolder.open`` does.
    """
    if found := read_description(root):
        return found
    shape = shape_of_shards(root)
    if shape is None:
        return None
    try:
        if create_description(Description(**dict(shape)), root):
            log.warning("%s was written for existing shards of %d rollouts", description_file(root), shape.shard_size)
    except NcaError:
        return shape
    return read_description(root)
