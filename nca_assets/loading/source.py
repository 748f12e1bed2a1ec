"""Sources: sequences of rollouts with their labels, read from shards or simulated from recipes."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex, overload

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nca_assets.automaton.shape import SHAPE_BLOCK, draw_shape
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.labels.table import polars_schema
from nca_assets.loading.kinds import Kinds
from nca_assets.loading.readers import Reader, Request, Tokens, read_apart, read_files, read_recipes
from nca_assets.loading.same_recipe import require_same_recipe
from nca_assets.loading.splits import require_split, split_of
from nca_assets.loading.unpacked import read_unpacked
from nca_assets.settings import Resources, load
from nca_assets.shards.manifest import read_manifest
from nca_assets.warehouse.answer import parenthesized, whole_table
from nca_assets.warehouse.collections import Sampling, read_collection
from nca_assets.warehouse.read import literal

PLACES = ("set_name", "rollout_index", "shard", "frames", "height", "width")
"""The columns with a rollout's location and shape."""

RECIPES = 2**32
"""Recipes of a set."""

_COLUMNS = {column.name: column for column in LABEL_COLUMNS}


@dataclass(frozen=True)
class Rollout:
    """A rollout; ``tokens`` is uint8 (frames, height, width), ``labels`` its row of the table ``labels`` if the source
    has it."""

    id: RolloutId
    tokens: Tokens
    labels: dict[str, Any]


class RolloutSource(Kinds, Sequence[Rollout]):
    """Rollouts by position, for torch's ``DataLoader``, grain and streams.

    ``table`` has a row for each, in order of set and index: ``PLACES`` and any labels. Reading raises an ``NcaError``
    that names the shard if it is missing or damaged.
    """

    def __init__(
        self, table: pl.DataFrame, reader: Reader, data: DataFolder, resources: Resources | None = None
    ) -> None:
        self.table = table.sort("set_name", "rollout_index")
        # Polars must not compute in forked worker processes, since its threads do not survive the fork.
        sets = self.table["set_name"].unique(maintain_order=True)
        self._sets: list[str] = sets.to_list()
        number = self.table.select(pl.col("set_name").replace_strict(sets, range(len(sets)), return_dtype=pl.Int64))
        self.places = np.ascontiguousarray(number.hstack(self.table.select(PLACES[1:]).cast(pl.Int64)).to_numpy())
        """Location and shape: int64 (rollouts, 6), a number for the set, index, shard, frames, height, width."""
        self.reader, self.data, self.resources = reader, data, resources or load(Resources)

    @classmethod
    def files(cls, data: DataFolder) -> RolloutSource:
        """All rollouts of existing shards, without labels."""
        rows = [
            (key.set, member.index, key.number, *member.shape)
            for key in data.shards()
            for manifest in [read_manifest(key, data)]
            for member in manifest.members
        ]
        return cls(_table(rows), read_files, data)

    @classmethod
    def recipes(
        cls,
        set_name: str,
        indices: Iterable[int],
        data: DataFolder,
        resources: Resources | None = None,
        *,
        split: str | None = None,
    ) -> RolloutSource:
        """Rollouts of a native set, simulated as they are read; only the vocabulary is needed.

        With ``split`` (train, validation or test), only those in that split of ``by_rollout``. On a GPU
        (``NCA_DEVICE``) their tokens never leave it. Raises ``NcaError`` if there is no such set, index or split.
        """
        rollout_set = data.own_set(set_name)
        indices = list(indices)
        if indices and not 0 <= min(indices) <= max(indices) < RECIPES:
            wrong = next(index for index in indices if not 0 <= index < RECIPES)
            raise NcaError(f"{set_name} has no recipe {wrong}: give indices from 0 to {RECIPES - 1}")
        if split is not None:
            require_split(split)
            indices = [index for index in indices if split_of(RolloutId(set_name, index)) == split]
        population = rollout_set.population
        shapes = {block: draw_shape(population, block * SHAPE_BLOCK) for block in _blocks(indices)}
        rows = [
            (set_name, index, index // data.shard_size, rollout_set.frames, *shapes[index // SHAPE_BLOCK])
            for index in indices
        ]
        return cls(_table(rows), read_recipes, data, resources)

    @classmethod
    def where(
        cls,
        condition: str,
        data: DataFolder,
        *,
        recipes: bool = False,
        columns: Sequence[str] | None = None,
        sampling: Sampling | None = None,
        resources: Resources | None = None,
    ) -> RolloutSource:
        """The labeled rollouts that meet an SQL condition over the tables ``labels`` and ``splits``.

        For example, ``"behavior = 'rhythmic' and height < 20 and by_rollout = 'train'"``. They are read from their
        shards or, with ``recipes``, simulated: the same bytes, with the labeled number of frames. ``columns`` are the
        labels to include, by default all; ``sampling`` takes a subset of the rollouts, as in collections. Raises
        ``NcaError`` with DuckDB's message if the condition is not valid SQL, if nothing meets it, or if ``recipes``
        would give different tokens from those labeled.
        """
        query = (
            f"SELECT rollout_id FROM labels JOIN splits USING (rollout_id, set_name) WHERE {parenthesized(condition)}"  # noqa: S608
        )
        return cls.query(query, data, recipes=recipes, columns=columns, sampling=sampling, resources=resources)

    @classmethod
    def query(
        cls,
        query: str,
        data: DataFolder,
        *,
        recipes: bool = False,
        columns: Sequence[str] | None = None,
        sampling: Sampling | None = None,
        resources: Resources | None = None,
    ) -> RolloutSource:
        """The labeled rollouts selected by any query with a column ``rollout_id``; arguments as for ``where``."""
        chosen = (sampling or Sampling()).query()
        labels = f"SELECT {_names(columns)} FROM labels WHERE rollout_id IN (SELECT rollout_id FROM ({chosen}))"  # noqa: S608
        table = whole_table(query, data, labels)
        if table.is_empty():
            raise NcaError(f"no labeled rollout is selected by {query!r}: generate more, or change the query")
        if recipes:
            require_same_recipe(table, data)
        return cls(table, read_recipes if recipes else read_files, data, resources)

    @classmethod
    def collection(
        cls, name: str, data: DataFolder, *, recipes: bool = False, resources: Resources | None = None
    ) -> RolloutSource:
        """The rollouts of the latest version of a collection. Raises ``NcaError`` if it does not exist, or if the
        tokens of its rollouts have changed."""
        frozen = read_collection(name, data)
        names = ", ".join(literal(rollout) for rollout in frozen.rollouts)
        source = cls.query(f"SELECT unnest([{names}]) AS rollout_id", data, recipes=recipes, resources=resources)
        present = dict(zip(source.table["rollout_id"], source.table["digest"], strict=True))
        if changed := frozen.rollouts.items() - present.items():
            raise NcaError(
                f"{len(changed)} rollouts of collection {name!r} version {frozen.version} are missing or have changed, "
                f"like {min(changed)[0]}: materialize their shards again, or collect again"
            )
        return source

    def balanced(self, by: str = "behavior", seed: int = 0) -> RolloutSource:
        """Equally many rollouts of each value of a label, as many as of the rarest; ``seed`` decides which."""
        if by not in self.table.columns:
            raise NcaError(f"this source has no label {by!r}: take data.rollouts(), with its column")
        order = pl.Series([hashlib.md5(f"{rollout} {seed}".encode()).digest() for rollout in self.ids])  # noqa: S324
        positions = pl.DataFrame({"position": range(len(self)), "value": self.table[by], "order": order}).sort("order")
        fewest = int(positions["value"].value_counts()["count"].min())  # type: ignore[arg-type]
        return self.take(positions.group_by("value", maintain_order=True).head(fewest)["position"].to_numpy())

    @property
    def ids(self) -> list[RolloutId]:
        """The rollouts' ids, in order."""
        return [RolloutId(self._sets[number], index) for number, index in self.places[:, :2].tolist()]

    def unpacked(self) -> RolloutSource:
        """The same rollouts from unpacked shards: many times faster, but five times the size on disk.

        Shards are unpacked into ``data/unpacked`` when first read.
        """
        return RolloutSource(self.table, read_unpacked, self.data, self.resources)

    def apart(self) -> RolloutSource:
        """The same rollouts, read without fetching whole shards from a bucket, which is cheaper for a few of them.

        >>> data.rollouts().apart()[0].tokens.shape
        """
        return RolloutSource(self.table, read_apart, self.data, self.resources)

    def take(self, positions: Sequence[int] | NDArray[Any]) -> RolloutSource:
        """Only the rollouts at ``positions``."""
        return RolloutSource(self.table[np.asarray(positions, dtype=np.int64)], self.reader, self.data, self.resources)

    def __add__(self, other: RolloutSource) -> RolloutSource:
        """The rollouts of both, which must be read in the same way from the same dataset."""
        if not isinstance(other, RolloutSource) or (self.reader, self.data) != (other.reader, other.data):
            raise NcaError("only sources that are read in the same way can be added: mix their streams (nca.mix)")
        table = pl.concat([self.table, other.table], how="diagonal")
        return RolloutSource(table.unique(PLACES[:2]), self.reader, self.data, self.resources)

    def read(self, positions: Iterable[int], threads: int = 0) -> Iterator[Tokens | NcaError]:
        """The tokens at ``positions``, in that order, read ahead in ``threads``, by default ``NCA_THREADS``; the error
        if one can't be read."""
        resources = self.resources.model_copy(update={"threads": threads}) if threads else self.resources
        return self.reader((self._wanted(int(position)) for position in positions), self.data, resources)

    def of_epoch(self, epoch: int) -> RolloutSource:  # noqa: ARG002
        """Itself, in every epoch."""
        return self

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, position: SupportsIndex) -> Rollout: ...
    @overload
    def __getitem__(self, position: slice) -> RolloutSource: ...
    def __getitem__(self, position: SupportsIndex | slice) -> Rollout | RolloutSource:
        if isinstance(position, slice):
            return self.take(range(len(self))[position])
        return next(self._rollouts([range(len(self))[operator.index(position)]]))

    def __getitems__(self, positions: Sequence[int]) -> list[Rollout]:
        """Several rollouts, read at the same time, as torch's ``DataLoader`` asks for them."""
        _explain_collating()
        return list(self._rollouts(positions))

    def __iter__(self) -> Iterator[Rollout]:
        return self._rollouts(range(len(self)))

    def _rollouts(self, positions: Sequence[int]) -> Iterator[Rollout]:
        for position, tokens in zip(positions, self.read(positions), strict=True):
            if isinstance(tokens, NcaError):
                raise tokens
            yield Rollout(self._wanted(position).rollout, tokens, self.table.row(position, named=True))

    def _wanted(self, position: int) -> Request:
        number, index, shard, *shape = self.places[position].tolist()
        return Request(RolloutId(self._sets[number], index), shard, tuple(shape))


def _explain_collating() -> None:
    """Have torch's default way to make a batch say why it can't."""
    from torch.utils.data._utils.collate import default_collate_fn_map

    def refuse(_batch: Any, **_: Any) -> None:
        raise NcaError("rollouts can't be collated: pass batch_size=None, or take a stream, like source.transitions()")

    default_collate_fn_map[Rollout] = refuse


def _table(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    if not rows:
        raise NcaError("there are no rollouts to read: materialize rollout_shards, or give some indices")
    return pl.DataFrame(rows, schema=polars_schema(tuple(_COLUMNS[name] for name in PLACES)), orient="row")


def _blocks(indices: Iterable[int]) -> set[int]:
    return {index // SHAPE_BLOCK for index in indices}


def _names(columns: Sequence[str] | None) -> str:
    """The columns to select: all labels, or the named ones plus ``PLACES``."""
    if columns is None:
        return "*"
    if unknown := set(columns) - _COLUMNS.keys():
        raise NcaError(f"labels have no column {min(unknown)!r}: use some of {', '.join(_COLUMNS)}")
    return ", ".join(f'"{name}"' for name in dict.fromkeys([*PLACES, *columns]))
