"""The description of a data folder, ``dataset.json``: its id, its sets and the size of its shards.

The file is written before the first shard and is authoritative from then on: settings of another shape are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self
from uuid import uuid4

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from nca_assets.automaton.population import FAMILY_SHARES, Population
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import FUTURES_SEED
from nca_assets.settings import MIN_FRAMES
from nca_assets.store.location import Stored
from nca_assets.store.seal import BLANK, create_sealed, read_sealed, write_sealed
from nca_assets.store.store import names
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION, VOCABULARY_VERSION

FORMAT = 1
"""Version of the folder's layout; raised when earlier releases could not read it."""

OWN_FOLDERS = frozenset(
    {
        "collections",
        "curve_sums",
        "curves",
        "figures",
        "findings",
        "history",
        "imported",
        "labels",
        "published",
        "tasks",
    }
    | {"unpacked", "warehouse"}
)
"""Folders of a dataset that do not hold the shards of a set."""

REMEDY = "restore it from a backup, or remove it to have it rewritten from the shards"


def _require_free_seed(seed: int) -> int:
    if seed == FUTURES_SEED:
        raise PydanticCustomError("seed", "{seed} is the seed of the floor's noise: use another one", {"seed": seed})
    return seed


def _require_free_folder(folder: str) -> str:
    if folder.lower() in OWN_FOLDERS:
        raise PydanticCustomError("folder", "{folder} is for other files of the dataset: use another name", locals())
    return folder


class RolloutSet(BaseModel):
    """A set of the dataset: its population, the folder of its shards, and the frames of its rollouts."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    seed: Annotated[int, AfterValidator(_require_free_seed)] = Field(ge=1, lt=2**32)
    folder: Annotated[str, AfterValidator(_require_free_folder)] = Field(pattern=r"^[A-Za-z0-9_-]+$")
    frames: int = Field(ge=MIN_FRAMES, le=65536)
    families: dict[str, int] = Field(default_factory=lambda: dict(FAMILY_SHARES))
    smallest_side: int = 8
    largest_side: int = 48

    @model_validator(mode="after")
    def _require_population(self) -> Self:
        try:
            _ = self.population
        except NcaError as error:
            raise PydanticCustomError("population", "{why}", {"why": str(error)}) from None
        return self

    @property
    def population(self) -> Population:
        """The distribution of its rollouts."""
        return Population(self.seed, tuple(self.families.items()), self.smallest_side, self.largest_side)


class Shape(BaseModel):
    """The division of a dataset: its sets by name, and the rollouts per shard."""

    model_config = ConfigDict(frozen=True)

    shard_size: int = Field(ge=1, le=65536)
    sets: Mapping[str, RolloutSet]


class Description(Shape):
    """The content of ``dataset.json``."""

    format: int = FORMAT
    id: str = Field(default_factory=lambda: uuid4().hex)
    recipe_version: int = RECIPE_VERSION
    vocabulary_version: int = VOCABULARY_VERSION
    label_version: int = LABEL_VERSION
    seal: str = BLANK


CARD: Mapping[str, Mapping[str, Any]] = {
    "set1": {"seed": 1, "folder": "nca_dataset"},
    "set2": {"seed": 2, "folder": "nca_dataset_set2"},
    "set3": {"seed": 3, "folder": "nca_dataset_set3"},
}
"""The three sets of the card, as ``nca.toml`` would list them."""


def card_sets(frames: int) -> dict[str, RolloutSet]:
    """The three sets of the card, with rollouts of ``frames`` frames."""
    return {name: RolloutSet(frames=frames, **entries) for name, entries in CARD.items()}


def require_distinct(sets: Mapping[str, RolloutSet], where: object) -> None:
    """Raise ``NcaError`` if two of ``sets`` have the same rollouts or the same folder."""
    for entry in ("seed", "folder"):
        owners: dict[str, str] = {}
        for name, rollout_set in sets.items():
            value = str(getattr(rollout_set, entry)).lower()  # some file systems ignore case
            if (other := owners.setdefault(value, name)) != name:
                raise NcaError(f"{where}: {name} has the {entry} of {other}, {value}: give it its own")


def description_file(root: Stored) -> Stored:
    """Path of the description of the folder ``root``."""
    return root / "dataset.json"


def read_description(root: Stored) -> Description | None:
    """The description of the folder ``root``, or None if it has none.

    Raises ``DamageError`` if it is damaged, and ``NcaError`` if a newer release wrote it.
    """
    file = description_file(root)
    try:
        content = read_sealed(file, root, REMEDY)
    except DamageError as error:
        if isinstance(error.__context__, FileNotFoundError | NotADirectoryError):
            return None
        raise
    newer = {
        name: (there, known)
        for name, known in (("format", FORMAT), ("recipe_version", RECIPE_VERSION))
        if (there := json.loads(content).get(name, 0)) > known
    }
    for name, (there, known) in newer.items():
        raise NcaError(f"{file} has {name.replace('_', ' ')} {there}, this release reads {known}: install a newer one")
    try:
        return Description.model_validate_json(content)
    except ValidationError as error:
        raise DamageError(f"{file} is damaged ({error.errors()[0]['msg']}): {REMEDY}") from error


def create_description(description: Description, root: Stored) -> bool:
    """Write the description of the folder ``root`` unless it has one; returns whether it was written.

    Of several concurrent calls, one succeeds. Raises ``NcaError`` if the disk refuses.
    """
    return create_sealed(_content(description), description_file(root), root)


def replace_description(description: Description, root: Stored) -> None:
    """Replace the description of the folder ``root``. Raises ``NcaError`` if the disk refuses."""
    write_sealed(_content(description), description_file(root), root)


def _content(description: Description) -> bytes:
    return description.model_dump_json(indent=1).encode()


def shape_of_shards(root: Stored) -> Shape | None:
    """The shape of a folder that predates descriptions, from a manifest of the card's sets; None if none is sound."""
    for rollout_set in card_sets(MIN_FRAMES).values():
        folder = root / rollout_set.folder
        for name in names(folder):
            if not name.endswith(".json"):
                continue
            try:
                manifest = json.loads(read_sealed(folder / name, root, REMEDY))
            except DamageError:
                continue  # reported when that shard is read
            return Shape(shard_size=len(manifest["members"]), sets=card_sets(_frames(manifest)))
    return None


def _frames(manifest: dict[str, Any]) -> int:
    """Frames per rollout, which a manifest gives once if they are all the same."""
    return manifest.get("frames") or manifest["members"][0]["frames"]
