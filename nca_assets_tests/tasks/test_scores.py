"""Scores on cases whose answers are known."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.tasks.scores import FLOOR, SCORES, cross_entropy, score, summary, unigram

CONTEXT = np.zeros((4, 2, 2), dtype=np.uint8)


def certain(target: np.ndarray) -> np.ndarray:
    return (np.arange(TOKENS)[:, None, None] == target).astype(np.float32)


def test_a_uniform_prediction_costs_ln_32() -> None:
    target = np.array([[1, 2], [3, 4]], dtype=np.uint8)
    assert cross_entropy(np.full((TOKENS, 2, 2), 1 / TOKENS), target) == pytest.approx(math.log(32))


def test_guessing_is_right_in_one_of_32_cells_whatever_the_target() -> None:
    """And not in all cells of the lowest token, which is often the ground."""
    guess = np.full((TOKENS, 2, 2), 1 / TOKENS, dtype=np.float32)
    for target in (np.zeros((2, 2), np.uint8), np.full((2, 2), 31, np.uint8)):
        assert score(guess, CONTEXT, target)["accuracy"] == pytest.approx(1 / TOKENS)


def test_a_perfect_prediction_costs_nothing_and_has_skill_1() -> None:
    target = np.array([[1, 0], [0, 4]], dtype=np.uint8)
    scores = score(certain(target), CONTEXT, target)
    assert scores["cross_entropy"] == pytest.approx(0, abs=1e-4)
    assert scores["skill"] == pytest.approx(1, abs=1e-4)
    assert (scores["accuracy"], scores["accuracy_changed"], scores["accuracy_unchanged"]) == (1, 1, 1)


def test_what_was_held_impossible_costs_the_floor() -> None:
    target, predicted = np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8)
    assert cross_entropy(certain(predicted), target) == pytest.approx(-math.log(FLOOR), rel=1e-4)


def test_changed_and_unchanged_cells_are_told_apart() -> None:
    target = np.array([[0, 0], [5, 6]], dtype=np.uint8)
    predicted = np.array([[0, 1], [5, 5]], dtype=np.uint8)
    scores = score(certain(predicted), CONTEXT, target)
    assert (scores["accuracy"], scores["accuracy_changed"], scores["accuracy_unchanged"]) == (0.5, 0.5, 0.5)
    unchanged = score(certain(predicted), CONTEXT, np.zeros((2, 2), np.uint8))
    assert unchanged["accuracy_changed"] is None
    assert unchanged["accuracy_unchanged"] == 0.25


def test_the_rollouts_own_unigram_has_skill_0() -> None:
    context = np.arange(16, dtype=np.uint8).reshape(4, 2, 2)
    cells = np.broadcast_to(unigram(context)[:, None, None], (TOKENS, 2, 2))
    assert score(cells.astype(np.float32), context, context[0])["skill"] == pytest.approx(0, abs=1e-6)
    assert unigram(context)[:16] == pytest.approx(1.5 / 32)


@given(st.integers(0, 2**32 - 1))
def test_scores_are_within_their_ranges(seed: int) -> None:
    chance = np.random.default_rng(seed)
    probabilities = chance.dirichlet(np.ones(TOKENS), (3, 4)).transpose(2, 0, 1).astype(np.float32)
    context = chance.integers(0, TOKENS, (4, 3, 4), dtype=np.uint8)
    scores = score(probabilities, context, chance.integers(0, TOKENS, (3, 4), dtype=np.uint8))
    assert 0 <= (scores["cross_entropy"] or 0) <= -math.log(FLOOR) + 1
    assert (scores["skill"] or 0) <= 1
    assert 0 <= (scores["accuracy"] or 0) <= 1


def test_each_rollout_counts_once_and_nulls_not_at_all() -> None:
    given = {"cross_entropy": [1.0, 3.0], "accuracy": [1.0, 0.0], "accuracy_changed": [None, 0.5],
             "accuracy_unchanged": [1.0, 0.5], "skill": [0.5, -0.5]}  # fmt: skip
    rows = pl.DataFrame(given | {"behavior": ["static", "chaotic"], "height": [8, 40], "width": [24, 30]})
    [means] = summary(rows).to_dicts()
    assert means == {"rollouts": 2, "cross_entropy": 2, "accuracy": 0.5, "accuracy_changed": 0.5,
                     "accuracy_unchanged": 0.75, "skill": 0}  # fmt: skip
    assert summary(rows, "size")["size"].to_list() == ["large", "small"]
    assert summary(rows, "behavior")["rollouts"].to_list() == [1, 1]
    assert set(SCORES) <= set(means)
