"""The mean entropy of cells' tokens, estimated from a few sampled futures without the bias of small samples.

The entropy of a cell is the sum of -p ln p over its 32 tokens, so the mean over cells depends only on the distribution
of all cells' and tokens' probabilities. Each probability shows in a count out of N futures. The distribution that makes
all these counts likeliest has almost none of the bias that the counts' own shares have (Vinayak, Kong, Valiant and
Kakade 2019, ICML, "Maximum likelihood estimation for learning populations of parameters"). It is the estimator of
Kiefer and Wolfowitz (1956), found by expectation maximization (Laird 1978), accelerated (Varadhan and Roland 2008).

The standard error is that of the jackknife over groups of futures (Kott 2001, Journal of Official Statistics 17:
521-526). It needs independent futures only: cells may change together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS

GROUPS = 16
"""Groups of futures that are left out in turn."""

DOUBT = 0.1
"""Share of the correction for small samples that the interval allows for as a bias still left."""

STEPS, STEPS_LEFT_OUT = 400, 40
"""Accelerated steps of expectation maximization, from scratch and for the futures without a group."""

SMALLEST, LONGEST_LEAP = 1e-30, 64.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Entropy:
    """An estimate of the mean entropy of cells, in nats, with its 95 % interval.

    ``luck`` is the standard deviation of the cost of a single future to one who knows all probabilities.
    """

    value: float
    low: float
    high: float
    luck: float


class Fit(NamedTuple):
    """A distribution of probabilities: the ``weights`` of the points of a grid, and the mean entropy that it gives."""

    weights: Floats
    entropy: float


class Grid(NamedTuple):
    """Candidate probabilities, fine near 0 and 1, and the likelihood of each count 0 … N under each of them."""

    points: Floats
    likelihood: Floats


def entropy_of(futures: NDArray[np.uint8]) -> Entropy:
    """The mean entropy of the cells of ``futures``, uint8 (futures, height, width): 16 or more independent samples."""
    tokens = futures.reshape(len(futures), -1)
    number, cells = tokens.shape
    counts = _counts(tokens)
    whole = _fit(counts, _grid(number, number), STEPS)
    left_out = np.array([_without(group, counts, tokens, whole) for group in range(GROUPS)])
    variance = (GROUPS - 1) / GROUPS * ((left_out - left_out.mean()) ** 2).sum()
    shares = counts / number
    doubt = DOUBT * abs(whole.entropy + float((shares * np.log(np.maximum(shares, 1e-300))).sum()) / cells)
    # Upward as Agresti and Coull (1998) do for rare events: as if two more, each of one cell in one future, were seen.
    rare = math.log(TOKENS * tokens.size) / tokens.size
    half = T_QUANTILE * math.sqrt(variance + rare**2) + doubt
    value = min(max(whole.entropy, 0.0), math.log(TOKENS))
    low, high = max(value - half, 0.0), min(value + 2 * rare + half, math.log(TOKENS))
    return Entropy(value, low, max(high, value), _luck(tokens, counts, whole))


T_QUANTILE = 2.131
"""The 97.5 % quantile of Student's t with ``GROUPS`` - 1 degrees of freedom."""


def _counts(tokens: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The number of futures with each token: (cells, 32)."""
    cells = tokens.shape[1]
    return np.bincount((np.arange(cells) * TOKENS + tokens).ravel(), minlength=cells * TOKENS).reshape(cells, TOKENS)


def _without(group: int, counts: NDArray[np.int64], tokens: NDArray[np.uint8], whole: Fit) -> float:
    """The entropy from all futures but every sixteenth."""
    left_out = tokens[group::GROUPS]
    grid = _grid(len(tokens) - len(left_out), len(tokens))
    return _fit(counts - _counts(left_out), grid, STEPS_LEFT_OUT, whole.weights).entropy


def _fit(counts: NDArray[np.int64], grid: Grid, steps: int, weights: Floats | None = None) -> Fit:
    """The likeliest distribution of probabilities on a grid, given the counts; improves on ``weights``."""
    points, likelihood = grid
    times = np.bincount(counts.ravel(), minlength=len(likelihood))
    seen = np.flatnonzero(times)
    likelihood, share = likelihood[seen], times[seen] / counts.size
    if weights is None:
        weights = np.full(len(points), 1 / len(points))
    for _ in range(steps):
        weights = _accelerated(weights, likelihood, share)
    return Fit(weights, float(TOKENS * (weights * -points * np.log(np.maximum(points, 1e-300))).sum()))


def _accelerated(weights: Floats, likelihood: Floats, share: Floats) -> Floats:
    """Two steps of expectation maximization, and a leap in their direction unless it is less likely."""

    def step(weights: Floats) -> Floats:
        return np.maximum(weights * ((share / (likelihood @ weights)) @ likelihood), SMALLEST)

    def likely(weights: Floats) -> float:
        return float(share @ np.log(likelihood @ weights))

    one = step(weights)
    two = step(one)
    first, second = np.log(one / weights), np.log(two / one)
    bend = second - first
    length = math.sqrt((first**2 @ two) / max(bend**2 @ two, SMALLEST))
    length = min(max(length, 1.0), LONGEST_LEAP)
    far = np.log(weights) + 2 * length * first + length**2 * bend
    leapt = np.maximum(np.exp(far - far.max()), SMALLEST)
    leapt = step(leapt / leapt.sum())
    return leapt if likely(leapt) >= likely(two) else two


def _luck(tokens: NDArray[np.uint8], counts: NDArray[np.int64], whole: Fit) -> float:
    """The scatter of the futures' costs, each predicted from how often the others have the same tokens."""
    points, likelihood = _grid(len(tokens) - 1, len(tokens))
    joint = likelihood * whole.weights
    expected = joint @ points / np.maximum(joint.sum(axis=1), 1e-300)
    among_others = counts[np.arange(tokens.shape[1]), tokens] - 1
    costs = -np.log(np.maximum(expected, 1e-300))[among_others].mean(axis=1)
    return float(costs.std(ddof=1))


@cache
def _grid(number: int, of: int) -> Grid:
    """The grid of ``of`` futures, and the likelihood of counts of ``number`` of them."""
    # Half a standard deviation of a share apart, which is the same everywhere on the scale of arcsine square roots; and
    # some smaller ones, for tokens that are seen once in all cells.
    steps = math.ceil(2 * math.pi * math.sqrt(of))
    even = np.sin(np.arange(1, steps) * math.pi / 2 / steps) ** 2
    rare = np.geomspace(1e-4, even[0], 12)[:-1]
    points = np.concatenate([[0.0], rare, even, 1 - rare[::-1], [1.0]])
    counts = np.arange(number + 1)
    ways = np.array([math.comb(number, count) for count in range(number + 1)], dtype=np.float64)[:, None]
    return Grid(points, ways * points ** counts[:, None] * (1 - points) ** (number - counts)[:, None])
