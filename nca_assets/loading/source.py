"""Sources: sequences of rollouts, read from their shards or simulated from their recipes, with their labels."""

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
"""The columns that say where a rollout is and how large."""

_COLUMNS = {column.name: column for column in LABEL_COLUMNS}


@dataclass(frozen=True)
class Rollout:
    """A rollout; ``tokens`` is uint8 (frames, height, width), ``labels`` its row of the table ``labels`` where the
    source knows it."""

    id: RolloutId
    tokens: Tokens
    labels: dict[str, Any]


class RolloutSource(Dataset[Rollout], Sequence[Rollout]):
    """Rollouts that can be read by position: what torch's ``DataLoader``, grain and streams read from.

    ``table`` has a row for each, in order of set and index: ``PLACES`` and whatever labels there are. Reading raises
    ``NcaError`` that names the shard if it is missing or damaged.
    """

    def __init__(
        self, table: pl.DataFrame, reader: Reader, data: DataFolder, resources: Resources | None = None
    ) -> None:
        self.table = table.sort("set_name", "rollout_index")
        # In worker processes that were forked, Polars must not compute anything: its threads are not there.
        self._sets = self.table["set_name"].to_list()
        self._numbers = self.table.select(PLACES[1:]).cast(pl.Int64).to_numpy()
        self.reader, self.data, self.resources = reader, data, resources or load(Resources)

    @classmethod
    def files(cls, data: DataFolder) -> RolloutSource:
        """All rollouts of the shards that are there; labels are not looked at."""
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
        """Rollouts of one of our sets, simulated as they are read: nothing is needed but the vocabulary.

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
        """The labelled rollouts that meet an SQL condition over the tables ``labels`` and ``splits``.

        Like ``"behavior = 'rhythmic' and height < 20 and by_rollout = 'train'"``. They are read from their shards or,
        with ``recipes``, simulated: the same bytes, of the length that was labelled. ``columns`` are the labels to
        carry along, by default all; ``sampling`` takes some of the rollouts, as collections do. Raises ``NcaError``
        with DuckDB's message if that is no SQL, if nothing meets it, or if ``recipes`` would give other tokens than
        those that were labelled.
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
        """The labelled rollouts that any query with a column ``rollout_id`` names; arguments are those of ``where``."""
        chosen = sampled(sampling or Sampling())
        labels = f"SELECT {_names(columns)} FROM labels WHERE rollout_id IN (SELECT rollout_id FROM ({chosen}))"  # noqa: S608
        table = whole_table(query, data, labels)
        if table.is_empty():
            raise NcaError(f"no labelled rollout is named by {query!r}: make more, or ask for others")
        if recipes:
            require_same_recipe(table, data)
        return cls(table, read_recipes if recipes else read_files, data, resources)

    @classmethod
    def collection(
        cls, name: str, data: DataFolder, *, recipes: bool = False, resources: Resources | None = None
    ) -> RolloutSource:
        """The rollouts of the latest version of a collection. Raises ``NcaError`` if there is none of that name, or
        if rollouts of it have other tokens now."""
        frozen = read_collection(name, data)
        names = ", ".join(literal(rollout) for rollout in frozen.rollouts)
        source = cls.query(f"SELECT unnest([{names}]) AS rollout_id", data, recipes=recipes, resources=resources)
        present = dict(zip(source.table["rollout_id"], source.table["digest"], strict=True))
        if changed := frozen.rollouts.items() - present.items():
            raise NcaError(
                f"{len(changed)} rollouts of collection {name!r} version {frozen.version} are gone or have other "
                f"tokens, like {min(changed)[0]}: materialize their shards again, or collect anew"
            )
        return source

    def balanced(self, by: str = "behavior", seed: int = 0) -> RolloutSource:
        """As many rollouts of each value of a label as there are of the rarest; ``seed`` decides which."""
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
        """Frame t and frame t + 1, for every t, in batches: the card's ``sample_usage.py``.

        ``every`` is the step between first frames, ``starts`` are the ones to take in place of all; of ``ranks``
        processes this is number ``rank``. Raises ``NcaError`` if an argument is out of range.

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
        """The context frames t, t + 16, t + 32, t + 48 and the target t + 112, for every t; the card's t is 0.

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
        """``length`` consecutive frames; with ``every`` 0 they do not overlap.

        The arguments are those of ``transitions``.

        >>> next(iter(data.rollouts().clips(16, batch_size=8))).tokens.shape
        """
        every = every or length
        order = {"seed": seed, "shuffle": shuffle, "rank": rank, "ranks": ranks}
        return Stream(self, tuple(range(length)), batch_size, every, starts, **order, skip_damaged=skip_damaged)

    @property
    def places(self) -> NDArray[np.int64]:
        """Where each rollout is: int64 (rollouts, 6), its set's number here, index, shard, frames, height, width."""
        _, sets = np.unique(self._sets, return_inverse=True)
        return np.column_stack([sets, self._numbers])

    @property
    def ids(self) -> list[RolloutId]:
        """The rollouts' names, in order."""
        return [RolloutId(*name) for name in zip(self._sets, self._numbers[:, 0].tolist(), strict=True)]

    def unpacked(self) -> RolloutSource:
        """The same rollouts from unpacked shards: at many times the speed, and five times the size on disk.

        A shard is unpacked when it is first read, into ``data/unpacked``.
        """
        return RolloutSource(self.table, read_unpacked, self.data, self.resources)

    def apart(self) -> RolloutSource:
        """The same rollouts, read one by one: of shards in a bucket nothing else is fetched, which is less for a few.

        >>> data.rollouts().apart()[0].tokens.shape
        """
        return RolloutSource(self.table, read_apart, self.data, self.resources)

    def take(self, positions: Sequence[int] | NDArray[Any]) -> RolloutSource:
        """The rollouts at ``positions`` alone."""
        return RolloutSource(self.table[np.asarray(positions, dtype=np.int64)], self.reader, self.data, self.resources)

    def read(self, positions: Iterable[int]) -> Iterator[Tokens | NcaError]:
        """The tokens at ``positions``, in that order, read ahead in threads; of a rollout that can't be read, why."""
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
        raise NcaError("there is no rollout to read: materialize rollout_shards, or ask for some")
    return pl.DataFrame(rows, schema=polars_schema(tuple(_COLUMNS[name] for name in PLACES)), orient="row")


def _blocks(indices: range) -> set[int]:
    return {index // SHAPE_BLOCK for index in indices}


def _names(columns: Sequence[str] | None) -> str:
    """What to select: all labels, or the named ones and what is needed to read."""
    if columns is None:
        return "*"
    if unknown := set(columns) - _COLUMNS.keys():
        raise NcaError(f"labels have no column {min(unknown)!r}: use some of {', '.join(_COLUMNS)}")
    return ", ".join(f'"{name}"' for name in dict.fromkeys([*PLACES, *columns]))
