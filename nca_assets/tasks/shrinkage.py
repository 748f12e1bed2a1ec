"""Estimating the distribution of each cell's token from a few sampled futures.

Raw shares rule out tokens absent from the sampled futures. With N futures, the cross-entropy of a cell whose token
takes m values is biased upward by about (m - 1) / 2N nats (Miller 1955). So shares are shrunk towards a base with the
weight of w futures (Hausser and Strimmer 2009, Journal of Machine Learning Research 10: 1469-1484, with
lambda = w / (N + w)):

    p(token) = (count(token) + w * base(token)) / (N + w)

Base and w minimize the mean leave-one-out cost of the futures, as Zhai and Lafferty (2002, SIGIR) choose the weight of
a Dirichlet prior. The target frame is not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.tasks.scores import smoothed, unigram

WEIGHTS = tuple(4.0**power for power in range(-2, 7))
"""Candidate weights of the base, in futures: 1/16, 1/4, … 4096."""


@dataclass(frozen=True)
class Base:
    """Prior token shares: ``whole`` (32,), summing to 1, and ``left_out`` (futures, 32), the same with each future
    left out in turn."""

    whole: NDArray[np.float64]
    left_out: NDArray[np.float64]

    @classmethod
    def fixed(cls, shares: NDArray[np.float64], futures: int) -> Base:
        """A base that does not depend on the futures."""
        return cls(shares, np.broadcast_to(shares, (futures, TOKENS)))

    @classmethod
    def pooled(cls, futures: NDArray[np.uint8]) -> Base:
        """The token frequencies over all cells of the futures, uint8 (futures, height, width)."""
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
    """The mean of -ln p of each future's tokens, in nats per cell, with p estimated from all other futures.

    ``counts`` is int64 (32, height, width): the number of futures with each token.
    """
    tokens = futures.astype(np.int64)
    among_others = np.take_along_axis(counts, tokens, axis=0) - 1
    expected = np.take_along_axis(base.left_out, tokens.reshape(len(tokens), -1), axis=1).reshape(tokens.shape)
    return float(-np.log((among_others + weight * expected) / (len(tokens) - 1 + weight)).mean())
