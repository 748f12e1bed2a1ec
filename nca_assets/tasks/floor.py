"""The floor: the lowest mean cross-entropy for one who knows a rollout's rule and the hidden state at frame 48.

The rest is the noise still to come, so it is the entropy of frame 112 under fresh noise, estimated from simulated
futures (``entropy``). A model sees four frames of tokens instead, from which the rule and the state may not follow:
nothing says that it can reach the floor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton import compiled
from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.automaton.recipe import Rule
from nca_assets.data_folder import DataFolder
from nca_assets.ids import FUTURES_SEED, RolloutId
from nca_assets.loading.source import RolloutSource
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Resources
from nca_assets.tasks.entropy import Entropy, entropy_of
from nca_assets.tasks.long_horizon import CONTEXT, Examples, examples, score_examples
from nca_assets.tasks.scores import SCORES
from nca_assets.vocabulary.centroids import load_centroids

FLOOR = "floor"
"""Its name among the models."""

FUTURES = 128
"""Futures simulated per rollout."""

NORMAL_QUANTILE = 1.96


@dataclass(frozen=True)
class Futures:
    """Simulates what may follow a rollout's frame 48: the true rule from the true hidden state, under fresh noise."""

    data: DataFolder
    centroids: Tensor
    number: int = FUTURES

    def __call__(self, rollout: RolloutId, horizons: tuple[int, ...]) -> NDArray[np.uint8]:
        """The tokens ``horizons`` frames after frame 48: uint8 (futures, horizons, height, width)."""
        rule = self.data.rule(rollout.set, rollout.index)
        state = compiled.state_at(rule, CONTEXT[-1])
        return np.stack([self._future(rule, state, number, horizons) for number in range(self.number)])

    def _future(
        self, rule: Rule, state: NDArray[np.int16], number: int, horizons: tuple[int, ...]
    ) -> NDArray[np.uint8]:
        # Once the weights are drawn, seed and index only key the noise.
        key = (rule.scalars.index * FUTURES + number) % 2**32
        noisy = replace(rule, scalars=replace(rule.scalars, seed=FUTURES_SEED, index=key))
        return compiled.simulate(noisy, self.centroids, max(horizons) + 1, start=state)[list(horizons)]


def score_floor(
    source: RolloutSource,
    horizons: tuple[int, ...],
    data: DataFolder,
    resources: Resources,
    progress: Progress = unwatched,
) -> pl.DataFrame:
    """A row per rollout and horizon, like a model's.

    ``cross_entropy`` is the estimate. With a probability of 95 %, one who knows rule and state scores between ``low``
    and ``high`` on the rollout's own target. The accuracies are those of each cell's most frequent token.
    """
    futures = Futures(data, load_centroids(data))

    def foresee(rollout: RolloutId) -> tuple[NDArray[np.float64], list[Entropy]]:
        simulated = futures(rollout, horizons)
        shares = np.stack([(simulated == token).mean(axis=0) for token in range(TOKENS)])
        return shares, [entropy_of(simulated[:, at]) for at in range(len(horizons))]

    rows: list[dict[str, Any]] = []
    with ThreadPoolExecutor(resources.threads) as pool:
        for given in examples(source, horizons):
            shares, entropies = zip(*pool.map(foresee, given.rollouts), strict=True)
            rows += _rows(given, horizons, np.stack(shares), [one for each in entropies for one in each])
            progress(len(rows) // len(horizons), len(source))
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys((*SCORES, "low", "high"), pl.Float64))


def _rows(
    given: Examples, horizons: tuple[int, ...], shares: NDArray[np.float64], entropies: list[Entropy]
) -> Iterator[dict[str, Any]]:
    for row, entropy in zip(score_examples(shares, given, horizons), entropies, strict=True):
        own_unigram = row["cross_entropy"] / (1 - row["skill"])
        low, high = on_a_target(entropy)
        yield row | {
            "cross_entropy": entropy.value,
            "skill": 1 - entropy.value / own_unigram,
            "low": low,
            "high": high,
        }


def on_a_target(entropy: Entropy) -> tuple[float, float]:
    """The 95 % interval of the cost of one target to one who knows all probabilities: that of the estimate, widened by
    the luck of the target."""
    below, above = entropy.value - entropy.low, entropy.high - entropy.value
    luck = NORMAL_QUANTILE * entropy.luck
    return max(entropy.value - math.hypot(below, luck), 0.0), entropy.value + math.hypot(above, luck)
