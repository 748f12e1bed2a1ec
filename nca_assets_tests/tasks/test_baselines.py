"""Baselines: what each must get right by its construction, and that they learn from the whole training split."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.loading.source import RolloutSource
from nca_assets.progress import unwatched
from nca_assets.tasks.baselines import (
    Markov,
    Sharpened,
    at_all_horizons,
    last_frame,
    mode_of_cell,
    own_unigram,
    uniform,
)
from nca_assets.tasks.long_horizon import Model, horizons_of, score_model, split
from nca_assets.tasks.networks import ConvNet, Transformer, train
from nca_assets.tasks.scores import score
from nca_assets.tasks.windows import BATCH, Windows

HORIZONS = (4, 64)


def windows(source: RolloutSource, seed: int = 0) -> Windows:
    return Windows(source, HORIZONS, seed)


def mean_cost(model: Model, source: RolloutSource) -> float:
    return float(score_model(model, source, HORIZONS).filter(horizon=64)["cross_entropy"].to_numpy().mean())


def movie(period: int, frames: int = 113) -> np.ndarray:
    """Random grids that repeat: (frames, 6, 5)."""
    cycle = np.random.default_rng(period).integers(0, TOKENS, (period, 6, 5), dtype=np.uint8)
    return cycle[np.arange(frames) % period]


@pytest.mark.parametrize("period", [1, 2, 4, 8, 16, 32, 64])
def test_copying_is_exact_on_periods_that_divide_64(period: int) -> None:
    frames = movie(period)
    predicted = Sharpened(last_frame, np.array([0.98]))(frames[None, [0, 16, 32, 48]])
    assert score(predicted[0, :, 0].astype(np.float32), frames[[0, 16, 32, 48]], frames[112])["accuracy"] == 1


def test_copying_fails_on_other_periods() -> None:
    frames = movie(5)
    predicted = Sharpened(last_frame, np.array([0.98]))(frames[None, [0, 16, 32, 48]])
    assert (score(predicted[0, :, 0].astype(np.float32), frames[[0, 16, 32, 48]], frames[112])["accuracy"] or 0) < 0.5


def test_the_mode_of_a_cell_is_its_most_frequent_token_or_the_latest_of_several() -> None:
    cells = np.array([[1, 1, 2, 3], [1, 2, 2, 1], [1, 2, 3, 4], [5, 6, 6, 6]], dtype=np.uint8)
    assert mode_of_cell(cells.T[None, :, :, None])[0, :, 0].tolist() == [1, 1, 4, 6]


@given(st.integers(1, 3), st.integers(2, 6), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_predictions_are_probabilities(batch: int, height: int, width: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    context = chance.integers(0, TOKENS, (batch, 4, height, width), dtype=np.uint8)
    markov = Markov(chance.integers(0, 9, (2, *(TOKENS,) * 3)).astype(float))
    without_data = [at_all_horizons(predict, HORIZONS) for predict in (uniform, own_unigram)]
    weights = np.array([0.7, 0.0])
    for predict in (*without_data, Sharpened(mode_of_cell, weights), markov, markov.global_unigram):
        predicted = predict(context)
        assert predicted.shape == (batch, TOKENS, 2, height, width)
        assert predicted.min() > 0
        np.testing.assert_allclose(predicted.sum(axis=1), 1)


def test_the_table_backs_off_to_what_it_knows() -> None:
    counts = np.zeros((1, *(TOKENS,) * 3))
    counts[0, 1, 2, 3] = 1e6
    markov = Markov(counts)
    context = np.zeros((1, 4, 1, 3), dtype=np.uint8)
    context[0, 2:, 0] = [[1, 9, 9], [2, 2, 9]]
    seen, last_seen, unseen = markov(context)[0, :, 0, 0].T
    assert seen[3] > 0.999
    assert last_seen[3] > 0.999
    np.testing.assert_allclose(unseen, markov.unigram[0])


def test_weights_are_fitted_to_what_pays(scored: DataFolder) -> None:
    given = windows(split("train", scored).take(range(6)))
    fitted = Sharpened.fitted(last_frame, given)

    def cost(weights: np.ndarray) -> np.ndarray:
        """By horizon: the mean of -ln p over the cells of all windows."""
        costs = []
        for context, targets in given:
            predicted = Sharpened(last_frame, weights)(context)
            chosen = np.take_along_axis(predicted, targets[:, None].astype(np.int64), axis=1)
            costs.append(-np.log(chosen).sum(axis=(0, 1, 3, 4)))
        return np.sum(costs, axis=0)

    best = cost(fitted.weights)
    for other in (fitted.weights - 0.02, fitted.weights + 0.02, np.zeros(2), np.full(2, 0.98)):
        assert (best <= cost(other.clip(0, 0.98)) + 1e-6).all()
    assert fitted.weights[0] > fitted.weights[1]  # four frames on, more is as it was


def test_every_training_rollout_is_learned_from_in_every_epoch(scored: DataFolder) -> None:
    source = split("train", scored)
    given = windows(source)
    batches = list(given)
    assert len(batches) == len(given)
    assert sum(len(context) for context, _ in batches) == len(source) * given.epochs
    assert all(context.shape[1] == 4 and targets.shape[1] == 2 for context, targets in batches)
    assert max(len(context) for context, _ in batches) <= BATCH
    first, second = (next(iter(windows(source, seed))) for seed in (0, 1))
    assert first[0].shape != second[0].shape or (first[0] != second[0]).any()


def test_a_split_that_is_not_read_whole_is_reported(scored: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    source = split("train", scored)
    part = source.take(range(len(source) - 3))
    given = windows(source)
    monkeypatch.setattr(Windows, "_epoch", lambda _, epoch: part.clips(113, BATCH, every=1, starts=(0,)).at(epoch))
    with pytest.raises(NcaError, match=f"only {len(part)} of {len(source)} training rollouts were read"):
        list(given)


def test_windows_are_those_of_the_rollouts(scored: DataFolder) -> None:
    [source] = [split("train", scored).take([0])]
    tokens = np.asarray(source[0].tokens)
    assert horizons_of(source) == (1, 2, 4, 8, 16, 32, 64)  # of 140 frames
    for context, targets in windows(source):
        starts = [
            start
            for start in range(len(tokens) - 112)
            if (tokens[[start, start + 16, start + 32, start + 48]] == context[0]).all()
            and (tokens[[start + 52, start + 112]] == targets[0]).all()
        ]
        assert len(starts) == 1


@pytest.mark.parametrize("build", [ConvNet, Transformer])
def test_networks_know_no_edge(build: type[ConvNet] | type[Transformer]) -> None:
    """On a torus, a shifted context gives a shifted prediction; the transformer is told places, so only nearly."""
    torch.manual_seed(0)
    model = build()
    context = torch.randint(0, TOKENS, (1, 4, 9, 11))
    shifted = model(context.roll((2, 3), dims=(-2, -1))).roll((-2, -3), dims=(-2, -1))
    torch.testing.assert_close(shifted, model(context), atol=1e-4 if build is ConvNet else 1.0, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("build", [ConvNet, Transformer])
def test_networks_learn(build: type[ConvNet], scored: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    few = split("train", scored).take(range(32))
    steps: list[int] = []
    given = windows(few)
    predict = train(build, given, "cpu", lambda done, _: steps.append(done))
    assert steps == list(range(1, len(given) + 1))
    cost = mean_cost(predict, few)
    monkeypatch.setattr(Windows, "__iter__", lambda _: iter(()))
    assert cost < mean_cost(train(build, given, "cpu"), few) - 0.1  # than before the first step


@pytest.mark.slow
@pytest.mark.parametrize("build", [ConvNet, Transformer])
def test_training_is_repeatable(build: type[ConvNet], scored: DataFolder) -> None:
    few = split("train", scored).take(range(6))
    cost, again, otherwise = (
        mean_cost(train(build, windows(few, seed=seed), "cpu", unwatched), few) for seed in (0, 0, 1)
    )
    assert again == pytest.approx(cost, abs=1e-3)
    assert otherwise != pytest.approx(cost, abs=1e-3)
