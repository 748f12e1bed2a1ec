"""Sources: sequences of rollouts with their labels, read from shards or simulated from recipes."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
import polars as pl
from numpy.typing import NDArray
from torch.utils.data import Dataset

from nca_assets.automaton.shape import SHAPE_BLOCK, draw_shape
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.labels.table import polars_schema
from nca_assets.loading.readers import Reader, Request, Tokens, read_apart, read_files, read_recipes
from nca_assets.loading.same_recipe import require_same_recipe
from nca_assets.loading.streams import LONG_HORIZON, Stream
from nca_assets.loading.unpacked import read_unpacked
from nca_assets.settings import Resources, load
from nca_assets.shards.manifest import read_manifest
from nca_assets.warehouse.answer import parenthesized, whole_table
from nca_assets.warehouse.collections import Sampling, read_collection, sampled
from nca_assets.warehouse.read import literal

PLACES = ("set_name", "rollout_index", "shard", "frames", "height", "width")
"""The columns with a rollout's location and shape."""

_COLUMNS = {column.name: column for column in LABEL_COLUMNS}


@dataclass(frozen=True)
class Rollout:
    """A rollout; ``tokens`` is uint8 (frames, height, width), ``labels`` its row of the table ``labels`` if the source
    has it."""

    id: RolloutId
    tokens: Tokens
    labels: dict[str, Any]


class RolloutSource(Dataset[Rollout], Sequence[Rollout]):
    """Rollouts by position, for torch's ``DataLoader``, grain and streams.

    ``table`` has a row for each, in order of set and index: ``PLACES`` and any labels. Reading raises an ``NcaError``
    that names the shard if it is missing or damaged.
    """

    def __init__(
        self, table: pl.DataFrame, reader: Reader, data: DataFolder, resources: Resources | None = None
    ) -> None:
        self.table = table.sort("set_name", "rollout_index")
        # Polars must not compute in forked worker processes, since its threads do not survive the fork.
        self._sets = self.table["set_name"].to_list()
        self._numbers = self.table.select(PLACES[1:]).cast(pl.Int64).to_numpy()
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
        cls, set_name: str, indices: range, data: DataFolder, resources: Resources | None = None
    ) -> RolloutSource:
        """Rollouts of a native set, simulated as they are read; only the vocabulary is needed.

        On a GPU (``NCA_DEVICE``) their tokens never leave it.
        """
        rollout_set = data.own_set(set_name)
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
        chosen = sampled(sampling or Sampling())
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
        order = pl.Series([hashlib.md5(f"{rollout} {seed}".encode()).digest() for rollout in self.ids])  # noqa: S324
        positions = pl.DataFrame({"position": range(len(self)), "value": self.table[by], "order": order}).sort("order")
        fewest = int(positions["value"].value_counts()["count"].min())  # type: ignore[arg-type]
        return self.take(positions.group_by("value", maintain_order=True).head(fewest)["position"].to_numpy())

    def transitions(
        self,
        batch_size: int = 64,
        *,
        seed: int = 0,
        shuffle: bool = True,
        every: int = 1,
        starts: tuple[int, ...] | None = None,
        rank: int = 0,
        ranks: int = 1,
        skip_damaged: bool = False,
    ) -> Stream:
        """Frame t and frame t + 1, for every t, in batches, as in the card's ``sample_usage.py``.

        ``every`` is the step between first frames, ``starts`` restricts them; this process is number ``rank`` of
        ``ranks``. Raises ``NcaError`` if an argument is out of range.

        >>> next(iter(data.rollouts().transitions(batch_size=8))).tokens.shape
        """
        order = {"seed": seed, "shuffle": shuffle, "rank": rank, "ranks": ranks}
        return Stream(self, (0, 1), batch_size, every, starts, **order, skip_damaged=skip_damaged)

    def long_horizon(
        self,
        batch_size: int = 64,
        *,
        seed: int = 0,
        shuffle: bool = True,
        every: int = 1,
        starts: tuple[int, ...] | None = None,
        rank: int = 0,
        ranks: int = 1,
        skip_damaged: bool = False,
    ) -> Stream:
        """Context frames t, t + 16, t + 32, t + 48 and target t + 112, for every t; the card uses t = 0.

        The arguments are those of ``transitions``.

        >>> next(iter(data.rollouts().long_horizon(batch_size=8, starts=(0,)))).tokens.shape
        """
        order = {"seed": seed, "shuffle": shuffle, "rank": rank, "ranks": ranks}
        return Stream(self, LONG_HORIZON, batch_size, every, starts, **order, skip_damaged=skip_damaged)

    def clips(
        self,
        length: int,
        batch_size: int = 64,
        *,
        seed: int = 0,
        shuffle: bool = True,
        every: int = 0,
        starts: tuple[int, ...] | None = None,
        rank: int = 0,
        ranks: int = 1,
        skip_damaged: bool = False,
    ) -> Stream:
        """``length`` consecutive frames; with ``every`` 0, clips do not overlap.

        The arguments are those of ``transitions``.

        >>> next(iter(data.rollouts().clips(16, batch_size=8))).tokens.shape
        """
        every = every or length
        order = {"seed": seed, "shuffle": shuffle, "rank": rank, "ranks": ranks}
        return Stream(self, tuple(range(length)), batch_size, every, starts, **order, skip_damaged=skip_damaged)

    @property
    def places(self) -> NDArray[np.int64]:
        """Location and shape: int64 (rollouts, 6), a number for the set, index, shard, frames, height, width."""
        _, sets = np.unique(self._sets, return_inverse=True)
        return np.column_stack([sets, self._numbers])

    @property
    def ids(self) -> list[RolloutId]:
        """The rollouts' ids, in order."""
        return [RolloutId(*name) for name in zip(self._sets, self._numbers[:, 0].tolist(), strict=True)]

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

    def read(self, positions: Iterable[int]) -> Iterator[Tokens | NcaError]:
        """The tokens at ``positions``, in that order, read ahead in threads; the error if one can't be read."""
        return self.reader((self._wanted(int(position)) for position in positions), self.data, self.resources)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, position: SupportsIndex) -> Rollout:  # type: ignore[override]
        at = range(len(self))[operator.index(position)]
        [tokens] = self.read([at])
        if isinstance(tokens, NcaError):
            raise tokens
        labels = self.table.row(at, named=True)
        return Rollout(self._wanted(at).rollout, tokens, labels)

    def _wanted(self, position: int) -> Request:
        index, shard, frames, height, width = self._numbers[position].tolist()
        return Request(RolloutId(self._sets[position], index), shard, (frames, height, width))


def _table(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    if not rows:
        raise NcaError("there are no rollouts to read: materialize rollout_shards, or give some indices")
    return pl.DataFrame(rows, schema=polars_schema(tuple(_COLUMNS[name] for name in PLACES)), orient="row")


def _blocks(indices: range) -> set[int]:
    return {index // SHAPE_BLOCK for index in indices}


def _names(columns: Sequence[str] | None) -> str:
    """The columns to select: all labels, or the named ones plus ``PLACES``."""
    if columns is None:
        return "*"
    if unknown := set(columns) - _COLUMNS.keys():
        raise NcaError(f"labels have no column {min(unknown)!r}: use some of {', '.join(_COLUMNS)}")
    return ", ".join(f'"{name}"' for name in dict.fromkeys([*PLACES, *columns]))
