"""Names that everything agrees on: sets, rollout ids, shards (partition keys), and where their files lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nca_assets.errors import NcaError


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
        match = re.fullmatch(r"(set\d+)/(\d{1,10})", text)
        if not match or match[1] not in SETS or int(match[2]) >= 2**32:
            raise NcaError(
                f"unknown rollout {text!r}: write a set and an index, like set1/000017 (sets: {', '.join(SETS)})"
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

    def tokens_file(self, data: Path) -> Path:
        """Where the shard's tokens lie."""
        return data / SETS[self.set].folder / f"shard_{self.number:05d}.npz"

    def manifest_file(self, data: Path) -> Path:
        """Where the shard's manifest lies."""
        return self.tokens_file(data).with_suffix(".json")

    def labels_file(self, data: Path) -> Path:
        """Where the shard's label part lies."""
        return data / "labels" / f"set={SETS[self.set].number}" / f"shard={self.number:05d}.parquet"

    def curves_file(self, data: Path) -> Path:
        """Where the shard's curves lie."""
        return data / "curves" / f"set={SETS[self.set].number}" / f"shard={self.number:05d}.parquet"


def member_name(index: int) -> str:
    """The key under which rollout ``index`` lies in its shard's ``.npz``."""
    return f"rollout_{index:06d}"


def centroids_file(data: Path) -> Path:
    """Where the vocabulary lies."""
    return data / "centroids.pt"


def csv_file(set_name: str, data: Path) -> Path:
    """Where a set's labels lie as CSV, by the original dataset's names: dataset_labels_set.csv, …_set2.csv, …"""
    number = SETS[set_name].number
    return data / f"dataset_labels_set{number if number > 1 else ''}.csv"


def warehouse_file(data: Path) -> Path:
    """Where the published warehouse lies."""
    return data / "nca.duckdb"


def materialized_shards(data: Path) -> list[ShardKey]:
    """The shards that have a manifest in ``data``, in order."""
    return sorted(
        ShardKey(rollout_set.name, int(file.stem.removeprefix("shard_")))
        for rollout_set in SETS.values()
        for file in (data / rollout_set.folder).glob("shard_*.json")
    )


def materialized_labels(data: Path) -> list[ShardKey]:
    """The shards that have a label part in ``data``, in order."""
    return sorted(
        ShardKey(rollout_set.name, int(file.stem.removeprefix("shard=")))
        for rollout_set in SETS.values()
        for file in (data / "labels" / f"set={rollout_set.number}").glob("shard=*.parquet")
    )
