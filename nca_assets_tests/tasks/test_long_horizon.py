"""The task: its examples are frozen, a model enters by one function, and what is no prediction is refused."""

import math

import numpy as np
import polars as pl
import pytest
import torch

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.splits import split_of
from nca_assets.tasks.long_horizon import TASK, evaluate, examples, score_examples, split
from nca_assets.tasks.scores import IDENTITY


@pytest.fixture
def source(scored: DataFolder) -> RolloutSource:
    return RolloutSource.where("true", scored, columns=IDENTITY)


def uniform(context: np.ndarray) -> np.ndarray:
    batch, _, height, width = context.shape
    return np.full((batch, TOKENS, height, width), 1 / TOKENS, dtype=np.float32)


def test_each_rollout_is_one_example_of_the_cards_frames(source: RolloutSource) -> None:
    given = [(rollout, batch.context[i], batch.targets[i]) for batch in examples(source)
             for i, rollout in enumerate(batch.rollouts)]  # fmt: skip
    assert [rollout for rollout, _, _ in given] == source.ids
    for (_, context, target), rollout in zip(given, source, strict=True):
        np.testing.assert_array_equal(context, np.asarray(rollout.tokens)[[0, 16, 32, 48]])
        np.testing.assert_array_equal(target, rollout.tokens[112:113])


def test_other_horizons_have_the_same_context(source: RolloutSource) -> None:
    task, near = next(examples(source)), next(examples(source, (1, TASK)))
    np.testing.assert_array_equal(task.context, near.context)
    np.testing.assert_array_equal(task.targets, near.targets[:, 1:])
    np.testing.assert_array_equal(near.targets[0, 0], np.asarray(source[0].tokens)[49])


def test_a_model_is_evaluated_at_any_horizon(source: RolloutSource) -> None:
    def as_before(context: np.ndarray) -> np.ndarray:
        return 0.9 * (context[:, -1:] == np.arange(TOKENS)[:, None, None]) + 0.1 / TOKENS

    near, far = (evaluate(as_before, source, horizon=horizon).rows["accuracy"].to_numpy() for horizon in (1, 64))
    tokens = np.stack([rollout.tokens[48] == rollout.tokens[112] for rollout in source][:1])
    assert far[0] == pytest.approx(tokens.mean())
    assert near.mean() > far.mean()


def test_the_splits_are_those_of_the_names(scored: DataFolder) -> None:
    for name in ("train", "test"):
        source = split(name, scored)
        assert {split_of(rollout) for rollout in source.ids} == {name}
    assert len(split("train", scored, most=5)) == 5


def test_a_model_enters_by_one_function(source: RolloutSource) -> None:
    for predict in (uniform, lambda context: torch.from_numpy(uniform(context))):
        rows = evaluate(predict, source).rows
        assert rows["rollout_id"].to_list() == [str(rollout) for rollout in source.ids]
        assert rows["cross_entropy"].to_numpy() == pytest.approx(math.log(32))
        assert rows.columns[: 1 + len(IDENTITY)] == ["rollout_id", *IDENTITY]


def test_a_model_that_knows_the_target_scores_fully(source: RolloutSource) -> None:
    rows = pl.DataFrame(
        row
        for given in examples(source)
        for row in score_examples(given.targets[:, None] == np.arange(TOKENS)[:, None, None, None], given, (TASK,))
    )
    assert rows["accuracy"].to_list() == [1] * len(source)
    assert rows["skill"].min() > 0.999  # type: ignore[operator]
    assert rows.filter(pl.col("accuracy_changed") < 1).is_empty()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda p: p[:, :31], r"predictions are float32 \(\d+, 31, \d+, \d+\): return probabilities, floats"),
        (lambda p: (32 * p).astype(int), "predictions are int64"),
        (lambda p: p * 2, "predictions of a cell add up to 1 ± 1: normalize over axis 1"),
        (lambda p: np.log(p), "negative or not finite: return probabilities"),
        (lambda p: p * np.nan, "negative or not finite"),
    ],
)
def test_invalid_predictions_are_refused(source: RolloutSource, wrong, message: str) -> None:
    with pytest.raises(NcaError, match=message):
        evaluate(lambda context: wrong(uniform(context)), source)
