"""Counting models: without data, from the context alone, or with tables from the training split.

Each predicts all horizons at once: probabilities (batch, 32, horizons, height, width).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.tasks.long_horizon import Model
from nca_assets.tasks.scores import unigram
from nca_assets.tasks.windows import Windows

Context = NDArray[np.uint8]
Probabilities = NDArray[np.float64]

PRIOR = 10.0
"""Weight of the back-off distribution, in pseudo-counts."""

WEIGHTS = np.arange(50) / 50
"""Candidate weights of a picked token."""


def uniform(context: Context) -> Probabilities:
    """Probability 1/32 for every token: cross-entropy ln 32 = 3.466 nats. (batch, 32, height, width)."""
    batch, _, height, width = context.shape
    return np.full((batch, TOKENS, height, width), 1 / TOKENS)


def own_unigram(context: Context) -> Probabilities:
    """The rollout's own unigram in each cell: skill 0 by definition. (batch, 32, height, width)."""
    batch, _, height, width = context.shape
    return np.broadcast_to(_own_shares(context)[:, :, None, None], (batch, TOKENS, height, width))


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
    """A mixture: a weight on one token per cell, and the rest on the rollout's unigram; ``weights`` by horizon."""

    pick: Callable[[Context], Context]
    weights: NDArray[np.float64]

    def __call__(self, context: Context) -> Probabilities:
        """The prediction."""
        picked = self.pick(context)[:, None, None] == np.arange(TOKENS)[:, None, None, None]
        weights = self.weights[:, None, None]
        return weights * picked + (1 - weights) * own_unigram(context)[:, :, None]

    @classmethod
    def fitted(cls, pick: Callable[[Context], Context], windows: Windows) -> Sharpened:
        """With the weights among ``WEIGHTS`` that have the lowest cross-entropy on ``windows``."""
        costs = np.zeros((len(windows.horizons), len(WEIGHTS)))
        for context, targets in windows:
            shares, picked = _own_shares(context), pick(context)
            for at in range(len(windows.horizons)):
                hit = picked == targets[:, at]
                # A hit costs -ln(w + (1 - w) share), by its token; a miss -ln(1 - w), and what does not depend on w.
                hits = np.stack(
                    [np.bincount(one[here], minlength=TOKENS) for one, here in zip(picked, hit, strict=True)]
                )
                costs[at] += [-(hits * np.log(w + (1 - w) * shares)).sum() for w in WEIGHTS]
                costs[at] -= (~hit).sum() * np.log(1 - WEIGHTS)
        return cls(pick, WEIGHTS[costs.argmin(axis=1)])


@dataclass(frozen=True)
class Markov:
    """Tables of targets given a cell's tokens at frames 32 and 48, backing off to 48 alone, then to the unigram.

    ``counts`` is (horizons, 32, 32, 32): horizon, token at 32, at 48, at the target.
    """

    counts: NDArray[np.float64]

    @classmethod
    def counted(cls, windows: Windows) -> Markov:
        """Counted on ``windows``."""
        counts = np.zeros((len(windows.horizons), TOKENS**3))
        for context, targets in windows:
            given = (context[:, -2].astype(np.int64) * TOKENS + context[:, -1]) * TOKENS
            for at, count in enumerate(counts):
                count += np.bincount((given + targets[:, at]).ravel(), minlength=TOKENS**3)
        return cls(counts.reshape(-1, TOKENS, TOKENS, TOKENS))

    @property
    def unigram(self) -> NDArray[np.float64]:
        """Smoothed frequency of each token as the target: (horizons, 32)."""
        counts = self.counts.sum(axis=(1, 2)) + 1
        return counts / counts.sum(axis=1, keepdims=True)

    @property
    def table(self) -> NDArray[np.float64]:
        """The probability of the target's token given the previous two: (horizons, 32, 32, 32)."""
        of_last = _backed_off(self.counts.sum(axis=1), self.unigram[:, None])
        return _backed_off(self.counts, of_last[:, None])

    def __call__(self, context: Context) -> Probabilities:
        """The prediction."""
        by_cell = self.table[:, context[:, -2], context[:, -1]]
        return by_cell.transpose(1, 4, 0, 2, 3)

    def global_unigram(self, context: Context) -> Probabilities:
        """The training split's unigram in each cell."""
        batch, _, height, width = context.shape
        return np.broadcast_to(self.unigram.T[:, :, None, None], (batch, TOKENS, len(self.counts), height, width))


def _backed_off(counts: NDArray[np.float64], to: NDArray[np.float64]) -> NDArray[np.float64]:
    return (counts + PRIOR * to) / (counts.sum(axis=-1, keepdims=True) + PRIOR)


def _own_shares(context: Context) -> NDArray[np.float64]:
    return np.stack([unigram(one) for one in context])


def at_all_horizons(predict: Callable[[Context], Probabilities], horizons: tuple[int, ...]) -> Model:
    """A model that predicts the same at each horizon."""
    return lambda context: np.repeat(predict(context)[:, :, None], len(horizons), axis=2)


UNTRAINED = {"uniform": uniform, "rollout unigram": own_unigram}
"""Baselines without data."""

COUNTED: Mapping[str, Callable[[Windows], Model]] = {
    "global unigram": lambda windows: Markov.counted(windows).global_unigram,
    "copy last": lambda windows: Sharpened.fitted(last_frame, windows),
    "mode of cell": lambda windows: Sharpened.fitted(mode_of_cell, windows),
    "markov": Markov.counted,
}
"""Baselines that count in the training windows."""
