"""Comparing models with the oracle: on the same rollouts, and beyond chance."""

import numpy as np
import polars as pl
import pytest

from nca_assets.tasks.leaderboard import above_the_oracle, below_the_oracle

ROLLOUTS = 40


def scored(**cross_entropies: np.ndarray) -> pl.DataFrame:
    names = [f"set1/{index:06d}" for index in range(ROLLOUTS)]
    return pl.concat(
        pl.DataFrame({"model": model, "rollout_id": names[: len(values)], "cross_entropy": values})
        for model, values in cross_entropies.items()
    )


@pytest.fixture
def oracle() -> np.ndarray:
    """Scores that scatter widely, as those of static and chaotic rollouts do."""
    return np.random.default_rng(0).uniform(0, 3.4, ROLLOUTS)


def test_differences_are_taken_on_the_same_rollouts(oracle: np.ndarray) -> None:
    differences = np.random.default_rng(1).normal(0.2, 0.1, ROLLOUTS)
    [row] = above_the_oracle(scored(model=(oracle + differences)[::-1], oracle=oracle[::-1])).to_dicts()
    assert row["model"] == "model"
    assert row["above"] == pytest.approx(differences.mean())
    assert row["standard_error"] == pytest.approx(differences.std(ddof=1) / np.sqrt(ROLLOUTS))


def test_a_model_that_has_seen_the_answers_is_found(oracle: np.ndarray) -> None:
    slightly_better = oracle - np.random.default_rng(2).uniform(0.02, 0.04, ROLLOUTS)
    assert below_the_oracle(scored(cheat=oracle / 2, better=slightly_better, worse=oracle + 0.1, oracle=oracle)) == [
        "cheat",
        "better",
    ]


def test_a_model_that_is_below_the_oracle_by_chance_has_not_cheated(oracle: np.ndarray) -> None:
    scatter = np.random.default_rng(3).normal(0, 0.3, ROLLOUTS)
    lucky = oracle + scatter - scatter.mean() - 0.05
    rows = scored(lucky=lucky, oracle=oracle)
    assert above_the_oracle(rows)["above"].item() == pytest.approx(-0.05)
    assert below_the_oracle(rows) == []


def test_a_single_rollout_proves_nothing() -> None:
    rows = scored(model=np.array([1.0]), oracle=np.array([2.0]))
    assert above_the_oracle(rows).rows() == [("model", -1.0, None)]
    assert below_the_oracle(rows) == []
