"""Shrunken shares: on futures of a known distribution they are nearer to it than a fixed prior, and never cost more
than guessing."""

import math

import numpy as np
import pytest

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.tasks.scores import cross_entropy, unigram
from nca_assets.tasks.shrinkage import WEIGHTS, Base, leave_one_out, shrunk

FUTURES, GRID = 128, (12, 10)


def peaked(chance: np.random.Generator) -> np.ndarray:
    """A token of its own in each cell, now and then another one."""
    sure = np.eye(TOKENS)[chance.integers(0, TOKENS, GRID)]
    return 0.97 * sure + 0.03 / TOKENS


TRUTHS = {
    "uniform": lambda _: np.full((*GRID, TOKENS), 1 / TOKENS),
    "alike in all cells": lambda chance: np.broadcast_to(chance.dirichlet(np.full(TOKENS, 0.5)), (*GRID, TOKENS)),
    "nearly certain": peaked,
    "a few tokens in each cell": lambda chance: chance.dirichlet(np.full(TOKENS, 0.1), GRID),
    "many tokens in each cell": lambda chance: chance.dirichlet(np.full(TOKENS, 3.0), GRID),
}
"""Known distributions of each cell's token: float64 (height, width, 32)."""


def drawn(truth: np.ndarray, number: int, chance: np.random.Generator) -> np.ndarray:
    """Independent grids of tokens: uint8 (number, height, width)."""
    below = chance.random((number, *GRID, 1)) > truth.cumsum(axis=-1)
    return below.sum(axis=-1).clip(max=TOKENS - 1).astype(np.uint8)


def with_fixed_prior(futures: np.ndarray, context: np.ndarray) -> np.ndarray:
    """Half a future of the context's unigram, whatever the futures say."""
    counts = np.stack([(futures == token).sum(axis=0) for token in range(TOKENS)])
    return (counts + 0.5 * unigram(context)[:, None, None]) / (len(futures) + 0.5)


def expected_cost(truth: np.ndarray, predicted: np.ndarray) -> float:
    """The mean of -ln p in nats a cell, over all that could come."""
    return float(-(truth * np.log(np.moveaxis(predicted, 0, -1))).sum(axis=-1).mean())


@pytest.mark.parametrize("name", TRUTHS)
def test_the_estimate_is_nearer_to_the_truth_than_with_a_fixed_prior(name: str) -> None:
    chance = np.random.default_rng(1)
    truth = TRUTHS[name](chance)
    futures, context = drawn(truth, FUTURES, chance), drawn(truth, 4, chance)
    predicted = shrunk(futures, context)
    assert predicted.min() > 0
    np.testing.assert_allclose(predicted.sum(axis=0), 1)
    lowest = expected_cost(truth, np.moveaxis(truth, -1, 0) + 1e-300)
    beyond = expected_cost(truth, predicted) - lowest
    beyond_before = expected_cost(truth, with_fixed_prior(futures, context)) - lowest
    assert 0 <= beyond < beyond_before


@pytest.mark.parametrize("name", TRUTHS)
def test_it_costs_no_more_than_guessing_beyond_its_interval(name: str) -> None:
    chance = np.random.default_rng(2)
    truth = TRUTHS[name](chance)
    futures, context, targets = (drawn(truth, number, chance) for number in (FUTURES, 4, 200))
    predicted = shrunk(futures, context)
    costs = np.array([cross_entropy(predicted, target) for target in targets])
    assert costs.mean() - 3 * costs.std() / math.sqrt(len(costs)) < math.log(TOKENS)


def test_on_chaotic_cells_a_fixed_prior_costs_more_than_guessing() -> None:
    """The control for the test above."""
    chance = np.random.default_rng(2)
    truth = TRUTHS["uniform"](chance)
    futures, context = drawn(truth, FUTURES, chance), drawn(truth, 4, chance)
    assert expected_cost(truth, with_fixed_prior(futures, context)) > math.log(TOKENS) + 0.1
    assert expected_cost(truth, shrunk(futures, context)) < math.log(TOKENS) + 0.005


@pytest.mark.parametrize("weight", WEIGHTS)
def test_no_future_is_among_those_that_it_is_predicted_from(weight: float) -> None:
    """By estimating anew from the others, one future after the other."""
    chance = np.random.default_rng(3)
    futures = chance.integers(0, 6, (7, 3, 4), dtype=np.uint8)
    counts = np.stack([(futures == token).sum(axis=0) for token in range(TOKENS)])
    costs = []
    for left_out, future in enumerate(futures):
        others = np.delete(futures, left_out, axis=0)
        shares = np.stack([(others == token).sum(axis=0) for token in range(TOKENS)])
        base = unigram(others)
        probabilities = (shares + weight * base[:, None, None]) / (len(others) + weight)
        costs.append(-np.log(np.take_along_axis(probabilities, future[None].astype(np.int64), axis=0)).mean())
    assert leave_one_out(futures, counts, Base.pooled(futures), weight) == pytest.approx(np.mean(costs))


def test_the_cost_of_futures_predicts_that_of_others() -> None:
    """As it could not if a future were among those that it is predicted from."""
    chance = np.random.default_rng(4)
    truth = TRUTHS["many tokens in each cell"](chance)
    futures, context = drawn(truth, FUTURES, chance), drawn(truth, 4, chance)
    counts = np.stack([(futures == token).sum(axis=0) for token in range(TOKENS)])
    foretold = min(leave_one_out(futures, counts, Base.pooled(futures), weight) for weight in WEIGHTS)
    assert foretold == pytest.approx(expected_cost(truth, shrunk(futures, context)), abs=0.01)
