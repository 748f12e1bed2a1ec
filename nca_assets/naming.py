"""Names that everything agrees on: sets, rollout ids, shards (partition keys), and where their files lie."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from nca_assets.errors import NcaError
from nca_assets.store.location import Stored
from nca_assets.store.store import names, names_below, present

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RolloutSet:
    """One of the dataset's sets: its name, the seed of its random draws and its folder."""

    name: str
    seed: int
    folder: str

    @property
    def number(self) -> int:
        """1, 2 or 3."""
        return int(self.name.removeprefix("set"))


SETS = {
    "set1": RolloutSet("set1", seed=1, folder="nca_dataset"),
    "set2": RolloutSet("set2", seed=2, folder="nca_dataset_set2"),
    "set3": RolloutSet("set3", seed=3, folder="nca_dataset_set3"),
}

IMPORTED_NAME = r"(?!set\d)[a-z][a-z0-9_]{0,39}"
"""What an imported set may be called."""

VOCABULARY_SEED = 0
"""The seed of the rollouts that the centroids are learned from; no set has it."""


@dataclass(frozen=True, order=True)
class RolloutId:
    """One rollout of a set, written ``set1/000017``."""

    set: str
    index: int

    def __str__(self) -> str:
        return f"{self.set}/{self.index:06d}"

    @classmethod
    def parse(cls, text: str) -> RolloutId:
        """The rollout named by ``text``. Raises ``NcaError`` if it names none."""
        match = re.fullmatch(rf"({'|'.join(SETS)}|{IMPORTED_NAME})/(\d{{1,10}})", text)
        if not match or int(match[2]) >= 2**32:
            raise NcaError(
                f"unknown rollout {text!r}: write a set and an index, like set1/000017 "
                f"(sets: {', '.join(SETS)}, and those you imported)"
            )
        return cls(match[1], int(match[2]))


@dataclass(frozen=True, order=True)
class ShardKey:
    """A run of consecutive rollouts of a set; its text, ``set1-00000``, is the Dagster partition key."""

    set: str
    number: int

    def __str__(self) -> str:
        return f"{self.set}-{self.number:05d}"

    @classmethod
    def parse(cls, text: str, shards_per_set: int) -> ShardKey:
        """The shard named by ``text``. Raises ``NcaError`` if there is none of that name."""
        match = re.fullmatch(r"(set\d+)-(\d{5})", text)
        if not match or match[1] not in SETS or int(match[2]) >= shards_per_set:
            first, last = min(SETS), max(SETS)
            raise NcaError(
                f"unknown partition key {text!r}: use {first}-00000 to {last}-{shards_per_set - 1:05d}, "
                f"or raise NCA_SHARDS_PER_SET (now {shards_per_set})"
            )
        return cls(match[1], int(match[2]))

    @classmethod
    def parse_imported(cls, text: str) -> ShardKey:
        """The shard of an imported set named by ``text``, like life-00000. Raises ``NcaError`` if it names none."""
        match = re.fullmatch(rf"({IMPORTED_NAME})-(\d{{5}})", text)
        if not match:
            raise NcaError(f"unknown shard {text!r}: write an imported set and a number, like life-00000")
        return cls(match[1], int(match[2]))

    @property
    def next(self) -> ShardKey:
        """The shard after it in its set."""
        return ShardKey(self.set, self.number + 1)

    @property
    def imported(self) -> bool:
        """Whether it is of a set that someone else made."""
        return self.set not in SETS

    def tokens_file(self, data: Stored) -> Stored:
        """Where the shard's tokens lie."""
        return data / SETS[self.set].folder / f"shard_{self.number:05d}.npz"

    def manifest_file(self, data: Stored) -> Stored:
        """Where the shard's manifest lies."""
        if self.imported:
            return data / "imported" / self.set / f"shard_{self.number:05d}.json"
        return self.tokens_file(data).with_suffix(".json")

    def labels_file(self, data: Stored) -> Stored:
        """Where the shard's label part lies."""
        return self._part(data / "labels")

    def curves_file(self, data: Stored) -> Stored:
        """Where the shard's curves lie."""
        return self._part(data / "curves")

    def curve_sums_file(self, data: Stored) -> Stored:
        """Where the sums of the shard's curves by behavior lie."""
        return self._part(data / "curve_sums")

    def finding_file(self, data: Stored) -> Stored:
        """Where it is noted what verification found wrong with the shard."""
        return data / "findings" / f"{self}.txt"

    def labels_finding_file(self, data: Stored) -> Stored:
        """Where it is noted what verification found wrong with the shard's labels."""
        return data / "findings" / f"{self}.labels.txt"

    def _part(self, folder: Stored) -> Stored:
        name = self.set if self.imported else SETS[self.set].number
        return folder / f"set={name}" / f"shard={self.number:05d}.parquet"


def member_name(index: int) -> str:
    """The key under which rollout ``index`` lies in its shard's ``.npz``."""
    return f"rollout_{index:06d}"


def centroids_file(data: Stored) -> Stored:
    """Where the vocabulary lies."""
    return data / "centroids.pt"


def csv_file(set_name: str, data: Stored) -> Stored:
    """Where a set's labels lie as CSV, by the original dataset's names: dataset_labels_set.csv, …_set2.csv, …"""
    number = SETS[set_name].number
    return data / f"dataset_labels_set{number if number > 1 else ''}.csv"


def scores_file(data: Stored) -> Stored:
    """Where the scores of the long-horizon task lie."""
    return data / "tasks" / "long_horizon.parquet"


def figure_file(name: str, form: str, data: Stored) -> Stored:
    """Where a figure lies; ``form`` is png or svg."""
    return data / "figures" / f"{name}.{form}"


def explorer_file(data: Stored) -> Stored:
    """Where the explorer, one HTML file, lies."""
    return data / "explorer.html"


def card_file(data: Stored) -> Stored:
    """Where the dataset card lies."""
    return data / "dataset_card.md"


def published_folder(data: Stored) -> Stored:
    """Where the dataset lies as it is published."""
    return data / "published"


def warehouse_file(data: Stored) -> Stored:
    """Where the published warehouse lies: in a bucket, its present version."""
    return present(data / "nca.duckdb", data / "warehouse")


def materialized_shards(data: Stored) -> list[ShardKey]:
    """The shards that have a manifest in ``data``, in order."""
    return sorted(some_materialized_shards(data))


def some_materialized_shards(data: Stored) -> Iterator[ShardKey]:
    """The same in no order; no more are listed than are asked for."""
    for rollout_set in SETS.values():
        folder = data / rollout_set.folder
        for match in named(rf"{_MANIFEST}|shard_\d{{5}}\.npz", names(folder), folder):
            if match[1]:
                yield ShardKey(rollout_set.name, int(match[1]))


def imported_shards(data: Stored) -> list[ShardKey]:
    """The shards of imported sets, in order."""
    folder = data / "imported"
    found = named(rf"({IMPORTED_NAME})/{_MANIFEST}", names_below(folder), folder)
    return sorted(ShardKey(match[1], int(match[2])) for match in found)


def materialized_labels(data: Stored) -> list[ShardKey]:
    """The shards that have a label part in ``data``, those of imported sets included, in order."""
    return _parts(data / "labels")


def materialized_curve_sums(data: Stored) -> list[ShardKey]:
    """The shards that have curve sums in ``data``, those of imported sets included, in order."""
    return _parts(data / "curve_sums")


def named(pattern: str, found: Iterable[str], folder: Stored) -> Iterator[re.Match[str]]:
    """The matches of the names ``found`` in ``folder``. Other files that are not hidden, like a stray copy, are left
    out, and the log has a line about each."""
    for name in found:
        if match := re.fullmatch(pattern, name):
            yield match
        elif not name.rpartition("/")[2].startswith("."):
            _mention(folder / name)


@cache
def _mention(file: Stored) -> None:
    """Once in a process."""
    log.warning("%s is ignored: nothing here has such a name", file)


_MANIFEST = r"shard_(\d{5})\.json"


def _parts(folder: Stored) -> list[ShardKey]:
    numbers = {str(rollout_set.number): rollout_set.name for rollout_set in SETS.values()}
    sets = "|".join([*numbers, IMPORTED_NAME])
    found = named(rf"set=({sets})/shard=(\d{{5}})\.parquet", names_below(folder), folder)
    return sorted(ShardKey(numbers.get(match[1], match[1]), int(match[2])) for match in found)
