"""The public API: a dataset as an object, and functions on rollouts that need none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike, fspath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.description import card_sets
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId
from nca_assets.loading.source import RolloutSource
from nca_assets.project import place_of_data
from nca_assets.settings import MIN_FRAMES, Resources, load

if TYPE_CHECKING:
    import polars as pl
    from torch import Tensor

    from nca_assets.automaton.recipe import Rule
    from nca_assets.labels.metrics import Value
    from nca_assets.loading.endless import EndlessRecipes


def open(location: str | PathLike[str] | None = None) -> Dataset:  # noqa: A001
    """The dataset in a folder or at ``s3://bucket/prefix``, by default the project's: ``NCA_DATA``, else ``data``.

    Its layout is read from ``dataset.json``; nothing is written. Raises ``NcaError`` if there is no dataset.

    >>> data = nca.open("data")
    >>> data.shard_size, list(data.sets)
    """
    return Dataset.open(place_of_data() if location is None else fspath(location))


class Dataset(DataFolder):
    """A dataset: its rollouts, its labels in SQL, its vocabulary and the paths of its files.

    ``id`` identifies it, ``shard_size`` is the number of rollouts per shard, and ``sets`` are its sets by name, each
    with ``seed``, ``frames`` and ``folder``.
    """

    def sql(self, query: str) -> pl.DataFrame:
        """The result of an SQL query over the tables of ``docs/SQL.md``; it can read nothing else, and write nothing.

        Raises ``NcaError`` with DuckDB's message, or if there is no warehouse yet.

        >>> data.sql("SELECT behavior, count(*) AS rollouts FROM labels GROUP BY ALL ORDER BY rollouts DESC")
        """
        from nca_assets.warehouse.answer import whole_table

        return whole_table(query, self)

    def rollouts(
        self, condition: str = "true", *, recipes: bool = False, columns: Sequence[str] | None = None
    ) -> RolloutSource:
        """The labeled rollouts that meet an SQL condition over the tables ``labels`` and ``splits``.

        Their tokens are read from the shards or, with ``recipes``, simulated on demand: the same bytes. ``columns`` are
        the labels to include, by default all. Raises ``NcaError`` with DuckDB's message if the condition is not valid
        SQL, if nothing meets it, or if recipes would give different tokens from those labeled.

        >>> source = data.rollouts("behavior <> 'static' AND by_rollout = 'train'")
        >>> len(source), source[0].id, source[0].tokens.shape, source[0].labels["period"]
        """
        return RolloutSource.where(condition, self, recipes=recipes, columns=columns)

    def query(self, query: str, *, recipes: bool = False, columns: Sequence[str] | None = None) -> RolloutSource:
        """The labeled rollouts selected by any SQL query with a column ``rollout_id``; otherwise like ``rollouts``.

        >>> data.query("FROM labels ORDER BY mean_change DESC LIMIT 3")[0].id
        """
        return RolloutSource.query(query, self, recipes=recipes, columns=columns)

    def stored(self) -> RolloutSource:
        """All rollouts of existing shards, without labels; no warehouse is needed.

        Raises ``NcaError`` if there are no shards.

        >>> len(data.stored())
        """
        return RolloutSource.files(self)

    def collection(self, name: str, *, recipes: bool = False) -> RolloutSource:
        """The rollouts of the latest version of a frozen collection (``nca collect``).

        Raises ``NcaError`` if it does not exist, or if the tokens of its rollouts have changed.

        >>> data.collection("few")[0].id
        """
        return RolloutSource.collection(name, self, recipes=recipes)

    def recipes(self, set_name: str, indices: Iterable[int], *, split: str | None = None) -> RolloutSource:
        """Rollouts of one of its sets, simulated as they are read; no shards or labels are needed.

        With ``split`` (train, validation or test), only those in that split. Raises ``NcaError`` if it has no such set
        or index.

        >>> data.recipes("set3", range(123_456, 123_460))[0].tokens.dtype
        """
        return RolloutSource.recipes(set_name, indices, self, split=split)

    def endless(self, set_name: str, *, first: int = 0, split: str | None = None) -> EndlessRecipes:
        """The recipes of one of its sets from index ``first`` on, simulated as they are read, without an end: its
        ``loader()`` never gives a rollout twice. Otherwise like ``recipes``.

        >>> next(iter(data.endless("set3", first=5_000_000, split="train").transitions().loader())).tokens.shape
        """
        from nca_assets.loading.endless import EndlessRecipes

        return EndlessRecipes(set_name, self, first=first, split=split)

    def simulate(self, rollout: str | RolloutId) -> NDArray[np.uint8]:
        """The tokens of any rollout of its sets, from its recipe: uint8 (frames, height, width), 0 to 31.

        Raises ``NcaError`` if it has no such set or no vocabulary.

        >>> data.simulate("set3/123456").max()
        """
        from nca_assets.shards.rollouts import regenerate

        return regenerate(_id(rollout), self, load(Resources))

    @cached_property
    def centroids(self) -> Tensor:
        """Its vocabulary: float32 (32, 16), a unit vector for each token. Raises ``NcaError`` if it has none.

        >>> data.centroids.shape
        """
        from nca_assets.vocabulary.centroids import load_centroids

        return load_centroids(self)


def simulate(
    rollout: str | RolloutId,
    centroids: Tensor,
    *,
    frames: int = 500,
    start: NDArray[np.int16] | None = None,
    flip: tuple[int, int, int] | None = None,
) -> NDArray[np.uint8]:
    """The tokens of any rollout of the card's sets, from its recipe: uint8 (frames, height, width), 0 to 31.

    ``centroids`` is the vocabulary, float32 (32, 16). With ``start``, a state from ``states``, the rule continues from
    there, on a grid of that size. With ``flip`` (frame, row, column) it is a replica: at that frame, the states of
    3 x 3 cells change sign, and the noise stays the same. No file is read. Raises ``NcaError`` if ``rollout`` is not in
    the card's sets, and ``ValueError`` if a state or a flip does not fit.

    >>> tokens = nca.simulate("set3/123456", data.centroids, frames=64)
    >>> replica = nca.simulate("set3/123456", data.centroids, frames=64, flip=(32, 5, 5))
    >>> (tokens != replica).mean(axis=(1, 2))
    """
    from nca_assets.automaton import compiled
    from nca_assets.automaton.flip import Flip

    return compiled.simulate(_rule(rollout), centroids, frames, start=start, flip=Flip(*flip) if flip else None)


def states(rollout: str | RolloutId, *, frames: int = 500) -> Iterator[NDArray[np.int16]]:
    """The hidden state of each frame of a rollout of the card's sets: int16 (height, width, 16), in units of 1/1024.

    Raises ``NcaError`` if ``rollout`` is not in the card's sets.

    >>> first = next(nca.states("set1/000001"))
    >>> mirrored = nca.simulate("set1/000001", data.centroids, frames=64, start=first[:, ::-1])
    """
    from nca_assets.automaton import compiled

    return compiled.hidden_states(_rule(rollout), frames)


def classify(tokens: NDArray[np.uint8]) -> str:
    """The behavior class of a rollout, uint8 (frames, height, width) of 129 frames or more; see ``docs/LABELS.md``.

    >>> nca.classify(data.simulate("set1/000000"))
    """
    return str(measure(tokens)["behavior"])


def measure(tokens: NDArray[np.uint8]) -> Mapping[str, Value]:
    """The labels of a rollout, uint8 (frames, height, width), by the names of ``docs/LABELS.md``.

    Labels that require its recipe, like damage, are None. Raises ``NcaError`` if it has fewer than 129 frames.

    >>> nca.measure(data.simulate("set1/000000"))["token_entropy"]
    """
    from nca_assets.labels.metrics import measure as measured

    if tokens.ndim != 3 or tokens.dtype != np.uint8 or len(tokens) < MIN_FRAMES:
        raise NcaError(
            f"can't label {tokens.dtype} {tokens.shape}: give uint8 (frames, height, width) of {MIN_FRAMES} frames or "
            "more"
        )
    return measured(tokens)[0]


def sql(query: str, location: str | PathLike[str] | None = None) -> pl.DataFrame:
    """The result of an SQL query over the dataset in ``location``; see ``Dataset.sql``.

    >>> nca.sql("FROM behavior_summary", "data")
    """
    return open(location).sql(query)


def _id(rollout: str | RolloutId) -> RolloutId:
    return rollout if isinstance(rollout, RolloutId) else RolloutId.parse(rollout)


def _rule(rollout: str | RolloutId) -> Rule:
    from nca_assets.automaton.recipe import draw_rule

    name, sets = _id(rollout), card_sets(MIN_FRAMES)
    if name.set not in sets:
        raise NcaError(f"{name}: the card's sets are {', '.join(sets)}; for a dataset's other sets, use its simulate")
    return draw_rule(sets[name.set].population, name.index)
