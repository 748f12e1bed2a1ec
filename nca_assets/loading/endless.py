"""Recipes without end: fresh rollouts of a native set, simulated ahead of need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.loading.kinds import Kinds
from nca_assets.loading.readers import Tokens
from nca_assets.loading.source import RECIPES, RolloutSource
from nca_assets.loading.splits import require_split
from nca_assets.settings import Resources

INDICES = 4096
"""Indices of an epoch."""


class EndlessRecipes(Kinds):
    """The recipes of a native set from index ``first`` on: each epoch has the next ``INDICES``, so no rollout comes
    twice. Only those in ``split``, if given. ``source.of_epoch(epoch)`` has an epoch's rollouts by position.

    Raises ``NcaError`` if there is no such set, index or split, and once the set's 2**32 recipes are used up.
    """

    def __init__(
        self,
        set_name: str,
        data: DataFolder,
        *,
        first: int = 0,
        split: str | None = None,
        resources: Resources | None = None,
    ) -> None:
        data.own_set(set_name)
        if split is not None:
            require_split(split)
        self.set_name, self.data, self.first, self.split, self.resources = set_name, data, first, split, resources
        # Not as a method, so that a source that is no longer used can go.
        self._epochs = lru_cache(maxsize=4)(self._of_epoch)

    def of_epoch(self, epoch: int) -> RolloutSource:
        """The rollouts of an epoch."""
        return self._epochs(epoch)

    def _of_epoch(self, epoch: int) -> RolloutSource:
        begin = self.first + epoch * INDICES
        if begin + INDICES > RECIPES:
            raise NcaError(f"{self.set_name} has no more recipes after {begin - 1}: begin earlier, or take another set")
        indices = range(begin, begin + INDICES)
        return RolloutSource.recipes(self.set_name, indices, self.data, self.resources, split=self.split)

    @property
    def places(self) -> NDArray[np.int64]:
        """Location and shape of the first epoch's rollouts."""
        return self.of_epoch(0).places

    def read(self, positions: Iterable[int], threads: int = 0) -> Iterator[Tokens | NcaError]:
        """The first epoch's rollouts."""
        return self.of_epoch(0).read(positions, threads)
