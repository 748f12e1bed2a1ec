"""The oracle: the true rule, continued from the true hidden state with fresh noise, over a hundred times.

It has all possible knowledge of the future, but its probabilities are estimated from a sample, so its cross-entropy is
on average somewhat above the minimum.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton import compiled
from nca_assets.automaton.recipe import Rule
from nca_assets.data_folder import DataFolder
from nca_assets.ids import ORACLE_SEED, RolloutId
from nca_assets.loading.streams import LONG_HORIZON
from nca_assets.settings import Resources
from nca_assets.tasks.long_horizon import Examples
from nca_assets.tasks.shrinkage import shrunk
from nca_assets.vocabulary.centroids import load_centroids

FUTURES = 128
"""Futures simulated per rollout."""

*_, LAST, TARGET = LONG_HORIZON


@dataclass(frozen=True)
class Oracle:
    """Predicts the task's examples from token shares over simulated futures, shrunk by ``shrinkage``."""

    data: DataFolder
    centroids: Tensor
    threads: int
    futures: int = FUTURES

    @classmethod
    def of(cls, data: DataFolder, resources: Resources) -> Oracle:
        """With the dataset's vocabulary. Raises ``NcaError`` if there is none."""
        return cls(data, load_centroids(data), resources.threads)

    def __call__(self, given: Examples) -> NDArray[np.float64]:
        """The prediction: float64 (batch, 32, height, width)."""
        with ThreadPoolExecutor(self.threads) as pool:
            return np.stack(list(pool.map(self._predict, given.rollouts, given.context)))

    def _predict(self, rollout: RolloutId, context: NDArray[np.uint8]) -> NDArray[np.float64]:
        rule = self.data.rule(rollout.set, rollout.index)
        state = compiled.state_at(rule, LAST)
        futures = [
            compiled.simulate(_with_fresh_noise(rule, future), self.centroids, TARGET - LAST + 1, start=state)[-1]
            for future in range(self.futures)
        ]
        return shrunk(np.stack(futures), context)


def _with_fresh_noise(rule: Rule, future: int) -> Rule:
    """The same rule with noise unlike any set's: once the weights are drawn, seed and index only key the noise."""
    return replace(
        rule, scalars=replace(rule.scalars, seed=ORACLE_SEED, index=(rule.scalars.index * FUTURES + future) % 2**32)
    )
