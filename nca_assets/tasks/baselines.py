"""Counting models: without data, from the context alone, or with a table from the training split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.loading.source import RolloutSource
from nca_assets.tasks.long_horizon import Predict
from nca_assets.tasks.scores import unigram

Context = NDArray[np.uint8]
Probabilities = NDArray[np.float64]

BATCH = 64

MAX_COUNTED = 625
"""Training batches to count: 40,000 windows."""

MAX_FITTED = 20
"""Training batches to fit weights on."""

PRIOR = 10.0
"""Weight of the back-off distribution, in pseudo-counts."""


def uniform(context: Context) -> Probabilities:
    """Probability 1/32 for every token: cross-entropy ln 32 = 3.466 nats."""
    batch, _, height, width = context.shape
    return np.full((batch, TOKENS, height, width), 1 / TOKENS)


def own_unigram(context: Context) -> Probabilities:
    """The rollout's own unigram in each cell: skill 0 by definition."""
    return np.stack([_everywhere(unigram(one), one.shape[1:]) for one in context])


def last_frame(context: Context) -> Context:
    """The tokens of frame 48: (batch, height, width)."""
    return context[:, -1]


def mode_of_cell(context: Context) -> Context:
    """The most frequent of each cell's four tokens, the latest in case of ties: (batch, height, width)."""
    latest_first = context[:, ::-1]
    times = (latest_first[:, :, None] == latest_first[:, None]).sum(axis=2)
    return np.take_along_axis(latest_first, times.argmax(axis=1, keepdims=True), axis=1)[:, 0]


@dataclass(frozen=True)
class Sharpened:
    """A mixture: ``weight`` on one token per cell, and the rest on the rollout's unigram."""

    pick: Callable[[Context], Context]
    weight: float

    def __call__(self, context: Context) -> Probabilities:
        """The prediction: float64 (batch, 32, height, width)."""
        picked = self.pick(context)[:, None] == np.arange(TOKENS)[:, None, None]
        return self.weight * picked + (1 - self.weight) * own_unigram(context)

    @classmethod
    def fitted(cls, pick: Callable[[Context], Context], source: RolloutSource) -> Sharpened:
        """With the weight among 0, 0.02, … 0.98 that has the lowest cross-entropy on windows of ``source``."""
        weights = np.arange(50) / 50
        costs = np.zeros(len(weights))
        for context, target in _windows(source, MAX_FITTED):
            hit = pick(context) == target
            chance = np.take_along_axis(own_unigram(context), target[:, None].astype(np.int64), axis=1)[:, 0]
            costs += [-np.log(weight * hit + (1 - weight) * chance).mean() for weight in weights]
        return cls(pick, float(weights[costs.argmin()]))


@dataclass(frozen=True)
class Markov:
    """A table of targets given a cell's tokens at frames 32 and 48, backing off to 48 alone, then to the unigram.

    ``counts`` is (32, 32, 32): token at 32, at 48, at 112.
    """

    counts: NDArray[np.float64]

    @classmethod
    def counted(cls, source: RolloutSource) -> Markov:
        """Counted on windows of ``source``."""
        counts = np.zeros(TOKENS**3)
        for context, target in _windows(source, MAX_COUNTED):
            index = (context[:, -2].astype(np.int64) * TOKENS + context[:, -1]) * TOKENS + target
            counts += np.bincount(index.ravel(), minlength=TOKENS**3)
        return cls(counts.reshape(TOKENS, TOKENS, TOKENS))

    @property
    def unigram(self) -> NDArray[np.float64]:
        """Smoothed frequency of each token as the target: (32,)."""
        counts = self.counts.sum(axis=(0, 1)) + 1
        return counts / counts.sum()

    @property
    def table(self) -> NDArray[np.float64]:
        """The probability of the target's token given the previous two: (32, 32, 32)."""
        of_last = _backed_off(self.counts.sum(axis=0), self.unigram)
        return _backed_off(self.counts, of_last[None])

    def __call__(self, context: Context) -> Probabilities:
        """The prediction: float64 (batch, 32, height, width)."""
        return np.moveaxis(self.table[context[:, -2], context[:, -1]], -1, 1)

    def global_unigram(self, context: Context) -> Probabilities:
        """The training split's unigram in each cell."""
        batch, _, height, width = context.shape
        return np.broadcast_to(self.unigram[:, None, None], (batch, TOKENS, height, width))


def _backed_off(counts: NDArray[np.float64], to: NDArray[np.float64]) -> NDArray[np.float64]:
    return (counts + PRIOR * to) / (counts.sum(axis=-1, keepdims=True) + PRIOR)


def _everywhere(tokens: NDArray[np.float64], grid: tuple[int, ...]) -> Probabilities:
    return np.broadcast_to(tokens[:, None, None], (len(tokens), *grid))


def _windows(source: RolloutSource, most: int) -> Iterator[tuple[Context, Context]]:
    """Context and target of up to ``most`` batches of windows with any start."""
    for batch in islice(source.long_horizon(BATCH), most):
        frames = batch.tokens.cpu().numpy()
        yield frames[:, :4], frames[:, 4]


def counting_models(source: RolloutSource) -> dict[str, Predict]:
    """All counting models by name, fitted on ``source``."""
    markov = Markov.counted(source)
    return {
        "uniform": uniform,
        "global unigram": markov.global_unigram,
        "rollout unigram": own_unigram,
        "copy last": Sharpened.fitted(last_frame, source),
        "mode of cell": Sharpened.fitted(mode_of_cell, source),
        "markov": markov,
    }
