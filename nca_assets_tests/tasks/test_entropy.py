"""The entropy of cells of known distributions: nearly without bias, and inside its interval as often as that says."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.tasks.entropy import entropy_of
from nca_assets.tasks.floor import on_a_target

GRID = (12, 10)
CELLS = GRID[0] * GRID[1]


def own_tokens(chance: np.random.Generator) -> np.ndarray:
    """A certain token in each cell: (cells, 32)."""
    return np.eye(TOKENS)[chance.integers(0, TOKENS, CELLS)]


def peaked(chance: np.random.Generator, rest: float) -> np.ndarray:
    return (1 - rest) * own_tokens(chance) + rest / TOKENS


def among(chance: np.random.Generator, tokens: int) -> np.ndarray:
    """Equally likely tokens, others in each cell."""
    return np.stack([np.isin(np.arange(TOKENS), chance.permutation(TOKENS)[:tokens]) for _ in range(CELLS)]) / tokens


def half_still(chance: np.random.Generator) -> np.ndarray:
    return np.concatenate([peaked(chance, 0.001)[: CELLS // 2], chance.dirichlet(np.ones(TOKENS), CELLS // 2)])


TRUTHS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "certain": own_tokens,
    "nearly certain": lambda chance: peaked(chance, 0.001),
    "seldom another": lambda chance: peaked(chance, 0.03),
    "two by turns": lambda chance: 0.99 * own_tokens(chance) + 0.01 * own_tokens(chance),
    "few": lambda chance: chance.dirichlet(np.full(TOKENS, 0.03), CELLS),
    "some": lambda chance: chance.dirichlet(np.full(TOKENS, 0.3), CELLS),
    "many": lambda chance: chance.dirichlet(np.full(TOKENS, 3.0), CELLS),
    "alike in all cells": lambda chance: np.broadcast_to(chance.dirichlet(np.full(TOKENS, 0.5)), (CELLS, TOKENS)),
    "half of it still": half_still,
    "one of eight": lambda chance: among(chance, 8),
    "uniform": lambda _: np.full((CELLS, TOKENS), 1 / TOKENS),
}
"""Known distributions of each cell's token, from no entropy to the highest: float64 (cells, 32)."""


def drawn(truth: np.ndarray, number: int, chance: np.random.Generator) -> np.ndarray:
    """Independent grids of tokens: uint8 (number, height, width)."""
    below = chance.random((number, CELLS, 1)) > truth.cumsum(axis=-1)
    return below.sum(axis=-1).clip(max=TOKENS - 1).astype(np.uint8).reshape(number, *GRID)


def true_entropy(truth: np.ndarray) -> float:
    return float(-(truth * np.log(np.maximum(truth, 1e-300))).sum(axis=-1).mean())


def plug_in(futures: np.ndarray) -> float:
    shares = np.stack([(futures == token).mean(axis=0).ravel() for token in range(TOKENS)], axis=-1)
    return true_entropy(shares)


def covered(name: str, trials: int, numbers: tuple[int, ...] = (32, 128, 512)) -> float:
    """The share of trials whose interval has the truth, with as many futures as ``numbers`` say in turn."""
    chance = np.random.default_rng(list(name.encode()))
    inside = 0
    for trial in range(trials):
        truth = TRUTHS[name](chance)
        found = entropy_of(drawn(truth, numbers[trial % len(numbers)], chance))
        inside += found.low - 1e-9 <= true_entropy(truth) <= found.high + 1e-9
    return inside / trials


@pytest.mark.slow
def test_the_interval_has_the_truth() -> None:
    assert np.mean([covered(name, 6) for name in TRUTHS]) >= 0.92


@pytest.mark.long
def test_the_interval_has_the_truth_in_a_thousand_trials() -> None:
    """Of each kind alike."""
    shares = {name: covered(name, -(-1000 // len(TRUTHS))) for name in TRUTHS}
    print(shares)
    assert min(shares.values()) >= 0.92


@pytest.mark.parametrize("name", TRUTHS)
def test_small_samples_bias_it_little(name: str) -> None:
    """Less than a fifth as much as the shares of the same futures, or by less than 0.003 nats."""
    chance = np.random.default_rng(1)
    errors = []
    for _ in range(6):
        truth = TRUTHS[name](chance)
        futures = drawn(truth, 128, chance)
        errors.append([entropy_of(futures).value - true_entropy(truth), plug_in(futures) - true_entropy(truth)])
    bias, biased = np.mean(errors, axis=0)
    scatter = np.std(errors, axis=0)[0] / math.sqrt(len(errors))
    assert abs(bias) < max(abs(biased) / 5, 0.003) + 2 * scatter


def test_no_estimate_is_beyond_guessing() -> None:
    chance = np.random.default_rng(2)
    found = entropy_of(drawn(TRUTHS["uniform"](chance), 128, chance))
    assert found.low < found.value <= found.high == pytest.approx(math.log(TOKENS))


def test_the_more_futures_the_narrower() -> None:
    chance = np.random.default_rng(3)
    truth = TRUTHS["some"](chance)
    few, many = (entropy_of(drawn(truth, number, chance)) for number in (32, 512))
    assert many.high - many.low < (few.high - few.low) / 3


def test_cells_that_change_together_widen_it() -> None:
    """A hundred cells that are all the same tell no more than one."""
    chance = np.random.default_rng(4)
    together = np.broadcast_to(chance.choice(4, (128, 1, 1), p=[0.7, 0.1, 0.1, 0.1]).astype(np.uint8), (128, *GRID))
    apart = chance.choice(4, (128, *GRID), p=[0.7, 0.1, 0.1, 0.1]).astype(np.uint8)
    wide, narrow = entropy_of(together), entropy_of(apart)
    assert wide.high - wide.low > 5 * (narrow.high - narrow.low)
    assert wide.luck > 5 * narrow.luck


@pytest.mark.slow
@pytest.mark.parametrize("name", ["seldom another", "many"])
def test_one_who_knows_all_scores_within_the_interval_of_a_target(name: str) -> None:
    chance, inside, trials = np.random.default_rng(5), 0, 30
    for _ in range(trials):
        truth = TRUTHS[name](chance)
        low, high = on_a_target(entropy_of(drawn(truth, 128, chance)))
        target = drawn(truth, 1, chance).ravel()
        inside += low <= float(-np.log(truth[np.arange(CELLS), target]).mean()) <= high
    assert inside / trials >= 0.9
