"""A project: a folder with ``nca.toml``, its dataset, and the settings of everything that works on it.

``NCA_DATA`` may name a dataset elsewhere. Where there is no ``nca.toml``, the working folder is the project.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from nca_assets.data_folder import DataFolder
from nca_assets.description import RolloutSet, Shape, card_sets, read_description
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey, is_own
from nca_assets.settings import DatasetSettings, Orchestration, Resources, load

SETS_FILE = "nca.toml"


def project_folder() -> Path:
    """The nearest folder, from the working one upward, that has ``nca.toml``; relative where it is the working one."""
    here = Path.cwd()
    found = next((folder for folder in (here, *here.parents) if (folder / SETS_FILE).exists()), here)
    return Path() if found == here else found


def read_sets(file: Path, frames: int) -> dict[str, RolloutSet]:
    """The sets in ``file``, or the card's if it is missing or names none; ``frames`` is for those that give none.

    Raises ``NcaError`` that names the file, the set and what is wrong.
    """
    try:
        tables = tomllib.loads(file.read_text()).get("sets", {})
    except FileNotFoundError:
        return card_sets(frames)
    except (OSError, ValueError) as error:
        raise NcaError(f"can't read {file}: {error}. Correct it, or write it anew with 'nca init'.") from error
    sets: dict[str, RolloutSet] = {}
    for name, table in tables.items():
        if not is_own(name):
            raise NcaError(f"{file}: a set can't be called {name!r}: use set1, set2, and so on")
        try:
            sets[name] = RolloutSet(**{"folder": f"nca_dataset_{name}", "frames": frames} | table)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise NcaError(f"{file}: {name}.{where}: {first['msg']}. Correct it.") from None
        for entry in ("seed", "folder"):
            if any(getattr(sets[name], entry) == getattr(sets[other], entry) for other in sets if other != name):
                raise NcaError(f"{file}: {name} has another set's {entry}: give it its own")
    return sets or card_sets(frames)


@dataclass(frozen=True)
class Project:
    """The settings, and the dataset as it is or would be."""

    dataset: DatasetSettings
    resources: Resources
    orchestration: Orchestration

    @classmethod
    def load(cls) -> Project:
        """The project as the environment gives it. Raises ``NcaError`` naming the first setting that is wrong."""
        dataset = load(DatasetSettings)
        if "data" not in dataset.model_fields_set:
            dataset = dataset.model_copy(update={"data": project_folder() / "data"})
        return cls(dataset, load(Resources), load(Orchestration))

    @cached_property
    def data(self) -> DataFolder:
        """The dataset, to read: as it is, whatever settings say of its shape."""
        return DataFolder.plan(self.dataset.data, self._shape())

    def writable_data(self) -> DataFolder:
        """The dataset, to write to. Raises ``NcaError`` if settings that were given ask for another shape, or the
        folder can't be written to."""
        return DataFolder.create(self.dataset.data, self._shape(asked=True))

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

    def _shape(self, asked: bool = False) -> Shape:
        """The shape of a new dataset; where there is one, settings that were not given take its values."""
        there = read_description(self.dataset.data)
        given = self.dataset.model_fields_set if asked else set()
        if there is None:
            return Shape(shard_size=self.dataset.shard_size, sets=self.sets)
        size = self.dataset.shard_size if "shard_size" in given else there.shard_size
        sets = {
            name: rollout_set if "frames" in given or name not in there.sets else there.sets[name]
            for name, rollout_set in self.sets.items()
        }
        return Shape(shard_size=size, sets=sets)
