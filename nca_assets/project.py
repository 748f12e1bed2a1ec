"""A project: a folder with ``nca.toml``, its dataset, and the settings of everything that works on it.

``NCA_DATA`` may name a dataset elsewhere. Where there is no ``nca.toml``, the working folder is the project.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nca_assets.data_folder import DataFolder, described
from nca_assets.description import CARD, RolloutSet, Shape, require_distinct
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey, is_own
from nca_assets.settings import DatasetSettings, Orchestration, Place, Resources, load
from nca_assets.store.location import Stored
from nca_assets.store.store import require_writable

SETS_FILE = "nca.toml"


def project_folder() -> Path:
    """The nearest folder, from the working one upward, that has ``nca.toml``; relative where it is the working one."""
    here = Path.cwd()
    found = next((folder for folder in (here, *here.parents) if (folder / SETS_FILE).exists()), here)
    return Path() if found == here else found


def place_of_data() -> Stored:
    """Where the project's dataset lies: ``NCA_DATA``, else the folder ``data`` of the project."""
    place = load(Place)
    return place.data if place.model_fields_set else project_folder() / "data"


def read_sets(file: Path, frames: int, kept: Mapping[str, int] | None = None) -> dict[str, RolloutSet]:
    """The sets in ``file``, or the card's if it is missing or names none.

    Those that don't give their frames have those of ``kept``, else ``frames``. Raises ``NcaError`` that names the file,
    the set, the entry and what is wrong.
    """
    sets = {
        name: _rollout_set(name, {"frames": (kept or {}).get(name, frames), **entries}, file)
        for name, entries in (_read_tables(file) or CARD).items()
    }
    require_distinct(sets, file)
    return sets


def _read_tables(file: Path) -> dict[str, dict[str, Any]]:
    try:
        content = tomllib.loads(file.read_bytes().decode())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise NcaError(f"can't read {file}: {reason}. Correct it, or move it away for the card's sets.") from None
    tables = content.pop("sets", {})
    if content:
        raise NcaError(f"{file}: {min(content)} is no entry: write tables like [sets.set4]")
    if not isinstance(tables, dict) or not all(isinstance(entries, dict) for entries in tables.values()):
        raise NcaError(f"{file}: sets is no table of tables: write a set as a table like [sets.set4]")
    return tables


def _rollout_set(name: str, entries: Mapping[str, Any], file: Path) -> RolloutSet:
    if not is_own(name):
        raise NcaError(f"{file}: a set can't be called {name!r}: use set1, set2, and so on up to set9999")
    try:
        return RolloutSet(**{"folder": f"nca_dataset_{name}", **entries})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([name, *(str(part) for part in first["loc"])])
        if first["type"] == "extra_forbidden":
            reason = f"is no entry: use {', '.join(RolloutSet.model_fields)}"
        elif first["type"] == "missing":
            reason = "is missing: give the set a seed of its own"
        else:
            reason = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise NcaError(f"{file}: {where}: {reason}. Correct it.") from None


@dataclass(frozen=True)
class Project:
    """The settings, and the dataset as it is or would be."""

    dataset: DatasetSettings
    resources: Resources
    orchestration: Orchestration

    @classmethod
    def load(cls) -> Project:
        """The project as the environment gives it. Raises ``NcaError`` naming the first setting that is wrong."""
        dataset = load(DatasetSettings).model_copy(update={"data": place_of_data()})
        return cls(dataset, load(Resources), load(Orchestration))

    @cached_property
    def data(self) -> DataFolder:
        """The dataset, to read: as it is, whatever settings say of its shape."""
        return DataFolder.plan(self.dataset.data, self._shape())

    def writable_data(self) -> DataFolder:
        """The dataset, to write to. Raises ``NcaError`` if settings that were given ask for another shape, or the
        folder can't be written to."""
        require_writable(self.dataset.data)  # said first: what can't be a folder can't be read as one either
        return DataFolder.create(self.dataset.data, self._shape())

    def at(self, folder: Path) -> Project:
        """The same with another folder."""
        return replace(self, dataset=self.dataset.model_copy(update={"data": folder}))

    def partition_keys(self) -> list[str]:
        """Every shard of every set, in order: set1-00000, …"""
        return [
            str(ShardKey(name, number)) for name in self.sets for number in range(self.orchestration.shards_per_set)
        ]

    def shard_key(self, text: str) -> ShardKey:
        """The partition that ``text`` names. Raises ``NcaError`` if there is none of that name."""
        key, last = ShardKey.parse(text), self.orchestration.shards_per_set - 1
        if key.imported or key.set not in self.sets or key.number > last:
            raise NcaError(
                f"unknown partition key {text!r}: use {min(self.sets)}-00000 to {max(self.sets)}-{last:05d}, or raise "
                f"NCA_SHARDS_PER_SET (now {last + 1})"
            )
        return key

    @cached_property
    def sets(self) -> dict[str, RolloutSet]:
        """The sets that the project makes. Raises ``NcaError`` if ``nca.toml`` is wrong."""
        return read_sets(project_folder() / SETS_FILE, self.dataset.frames)

    def _shape(self) -> Shape:
        """The shape that is asked for; where there is a dataset, settings that were not given take its values."""
        there, given = described(self.dataset.data), self.dataset.model_fields_set
        if there is None:
            return Shape(shard_size=self.dataset.shard_size, sets=self.sets)
        size = self.dataset.shard_size if "shard_size" in given else there.shard_size
        kept = {} if "frames" in given else {name: rollout_set.frames for name, rollout_set in there.sets.items()}
        return Shape(shard_size=size, sets=read_sets(project_folder() / SETS_FILE, self.dataset.frames, kept))
