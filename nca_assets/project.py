"""A project: a folder with ``nca.toml``, its dataset, and the settings for working on it.

``NCA_DATA`` may name a dataset elsewhere. Without an ``nca.toml``, the working folder is the project.
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
from nca_assets.store.location import Stored, require_fit_path
from nca_assets.store.store import require_writable

SETS_FILE = "nca.toml"


def project_folder() -> Path:
    """The nearest folder with an ``nca.toml``, from the working folder upward; relative if it is the working folder."""
    here = Path.cwd()
    found = next((folder for folder in (here, *here.parents) if (folder / SETS_FILE).exists()), here)
    return Path() if found == here else found


def place_of_data() -> Stored:
    """Location of the project's dataset: ``NCA_DATA``, else the folder ``data`` of the project."""
    place = load(Place)
    return place.data if place.model_fields_set else project_folder() / "data"


def read_sets(file: Path, frames: int, kept: Mapping[str, int] | None = None) -> dict[str, RolloutSet]:
    """The sets in ``file``, or the card's if it is missing or names none.

    Sets without an entry for frames take them from ``kept``, else ``frames``. Raises ``NcaError`` naming the file, the
    set, the entry and the fault.
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
        raise NcaError(f"can't read {file}: {reason}. Correct it, or remove it to use the card's sets.") from None
    tables = content.pop("sets", {})
    if content:
        raise NcaError(f"{file}: {min(content)} is not an entry: write tables like [sets.set4]")
    if not isinstance(tables, dict) or not all(isinstance(entries, dict) for entries in tables.values()):
        raise NcaError(f"{file}: sets is not a table of tables: write a set as a table like [sets.set4]")
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
            reason = f"is not an entry: use {', '.join(RolloutSet.model_fields)}"
        elif first["type"] == "missing":
            reason = "is missing: give the set a seed of its own"
        else:
            reason = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise NcaError(f"{file}: {where}: {reason}. Correct it.") from None


@dataclass(frozen=True)
class Project:
    """The settings and the dataset, existing or planned."""

    dataset: DatasetSettings
    resources: Resources
    orchestration: Orchestration

    @classmethod
    def load(cls) -> Project:
        """The project configured by the environment. Raises ``NcaError`` naming the first invalid setting."""
        dataset = load(DatasetSettings).model_copy(update={"data": place_of_data()})
        return cls(dataset, load(Resources), load(Orchestration))

    @cached_property
    def data(self) -> DataFolder:
        """The dataset for reading: an existing one keeps its shape, whatever the settings."""
        return DataFolder.plan(self.dataset.data, self._shape())

    def writable_data(self) -> DataFolder:
        """The dataset for writing. Raises ``NcaError`` if explicit settings ask for another shape, or the folder can't
        be written to."""
        require_fit_path(self.dataset.data)
        require_writable(self.dataset.data)  # first: what can't be a folder can't be read as one either
        return DataFolder.create(self.dataset.data, self._shape())

    def at(self, folder: Path) -> Project:
        """The same project with its dataset in another folder."""
        return replace(self, dataset=self.dataset.model_copy(update={"data": folder}))

    def partition_keys(self) -> list[str]:
        """Every shard of every set, in order: set1-00000, …"""
        return [
            str(ShardKey(name, number)) for name in self.sets for number in range(self.orchestration.shards_per_set)
        ]

    def shard_key(self, text: str) -> ShardKey:
        """The partition named ``text``. Raises ``NcaError`` if there is none."""
        key, last = ShardKey.parse(text), self.orchestration.shards_per_set - 1
        if key.imported or key.set not in self.sets or key.number > last:
            raise NcaError(
                f"unknown partition key {text!r}: use {min(self.sets)}-00000 to {max(self.sets)}-{last:05d}, or raise "
                f"NCA_SHARDS_PER_SET (now {last + 1})"
            )
        return key

    @cached_property
    def sets(self) -> dict[str, RolloutSet]:
        """The sets that the project makes. Raises ``NcaError`` if ``nca.toml`` is invalid."""
        return read_sets(project_folder() / SETS_FILE, self.dataset.frames)

    def _shape(self) -> Shape:
        """The requested shape; settings that were not given take the values of an existing dataset."""
        there, given = described(self.dataset.data), self.dataset.model_fields_set
        if there is None:
            return Shape(shard_size=self.dataset.shard_size, sets=self.sets)
        size = self.dataset.shard_size if "shard_size" in given else there.shard_size
        kept = {} if "frames" in given else {name: rollout_set.frames for name, rollout_set in there.sets.items()}
        return Shape(shard_size=size, sets=read_sets(project_folder() / SETS_FILE, self.dataset.frames, kept))
