"""Estimating the distribution of each cell's token from a few sampled futures.

Plain shares call impossible what no sampled future had. Their cross-entropy on N futures of a cell whose token takes m
values is above the true one by about (m - 1) / 2N nats, the bias that Miller (1955) corrects entropies for. So shares
are shrunk towards a base that counts for w more futures (Hausser and Strimmer 2009, Journal of Machine Learning
Research 10: 1469-1484, with lambda = w / (N + w)):

    p(token) = (count(token) + w * base(token)) / (N + w)

Base and w are those for which each future costs least, on average, when p is estimated from the other futures: the
leave-one-out choice of Zhai and Lafferty (2002, SIGIR) for the weight of a Dirichlet prior. The frame that is to be
predicted has no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.tasks.scores import smoothed, unigram

WEIGHTS = tuple(4.0**power for power in range(-2, 7))
"""How many futures the base may count for: 1/16, 1/4, … 4096."""


@dataclass(frozen=True)
class Base:
    """What each token's share is where a cell's futures tell nothing: ``whole`` (32,), adding up to 1, and
    ``left_out`` (futures, 32), the same without knowing one of the futures."""

    whole: NDArray[np.float64]
    left_out: NDArray[np.float64]

    @classmethod
    def fixed(cls, shares: NDArray[np.float64], futures: int) -> Base:
        """One that does not depend on the futures."""
        return cls(shares, np.broadcast_to(shares, (futures, TOKENS)))

    @classmethod
    def pooled(cls, futures: NDArray[np.uint8]) -> Base:
        """How often each token occurs in any cell of the futures, uint8 (futures, height, width)."""
        counts = np.stack([np.bincount(future.ravel(), minlength=TOKENS) for future in futures])
        return cls(smoothed(counts.sum(axis=0)), smoothed(counts.sum(axis=0) - counts))


def shrunk(futures: NDArray[np.uint8], context: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The probability of each token in each cell, float64 (32, height, width), from sampled futures.

    ``futures`` is uint8 (futures, height, width), two or more, ``context`` uint8 (4, height, width). The base is
    uniform, the context's unigram, or that of all futures.
    """
    number = len(futures)
    bases = (
        Base.fixed(np.full(TOKENS, 1 / TOKENS), number),
        Base.fixed(unigram(context), number),
        Base.pooled(futures),
    )
    counts = np.stack([(futures == token).sum(axis=0) for token in range(TOKENS)])
    base, weight = min(product(bases, WEIGHTS), key=lambda pair: leave_one_out(futures, counts, *pair))
    return (counts + weight * base.whole[:, None, None]) / (number + weight)


def leave_one_out(futures: NDArray[np.uint8], counts: NDArray[np.int64], base: Base, weight: float) -> float:
    """The mean of -ln p of the tokens of each future, in nats a cell, p being estimated from all other futures.

    ``counts`` is int64 (32, height, width): how many of the futures have each token.
    """
    tokens = futures.astype(np.int64)
    among_others = np.take_along_axis(counts, tokens, axis=0) - 1
    expected = np.take_along_axis(base.left_out, tokens.reshape(len(tokens), -1), axis=1).reshape(tokens.shape)
    return float(-np.log((among_others + weight * expected) / (len(tokens) - 1 + weight)).mean())
