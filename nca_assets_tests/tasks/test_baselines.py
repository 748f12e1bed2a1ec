"""Baselines: what each must get right by its construction, and an oracle that none of them clearly beats."""

import io
from contextlib import nullcontext

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.figures.comparisons import leaderboard_chart
from nca_assets.ids import RolloutId
from nca_assets.loading import same_recipe
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.streams import LONG_HORIZON
from nca_assets.progress import unwatched
from nca_assets.settings import Resources
from nca_assets.shards.rollouts import regenerate
from nca_assets.tasks import networks
from nca_assets.tasks.baselines import Markov, Sharpened, last_frame, mode_of_cell, own_unigram, uniform
from nca_assets.tasks.leaderboard import ORACLE, below_the_oracle, score_baselines
from nca_assets.tasks.long_horizon import Examples, Predict, evaluate, evaluate_examples, split
from nca_assets.tasks.networks import ConvNet, Transformer, train
from nca_assets.tasks.oracle import Oracle
from nca_assets.tasks.scores import IDENTITY, cross_entropy, score, summary
from nca_assets.versions import RECIPE_VERSION
from nca_assets.warehouse.answer import first_rows
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.conftest import local


def movie(period: int, frames: int = 113) -> np.ndarray:
    """Random grids that repeat: (frames, 6, 5)."""
    cycle = np.random.default_rng(period).integers(0, TOKENS, (period, 6, 5), dtype=np.uint8)
    return cycle[np.arange(frames) % period]


@pytest.mark.parametrize("period", [1, 2, 4, 8, 16, 32, 64])
def test_copying_is_exact_on_periods_that_divide_64(period: int) -> None:
    frames = movie(period)
    predicted = Sharpened(last_frame, 0.98)(frames[None, [0, 16, 32, 48]])
    assert score(predicted[0].astype(np.float32), frames[[0, 16, 32, 48]], frames[112])["accuracy"] == 1


def test_copying_fails_on_other_periods() -> None:
    frames = movie(5)
    predicted = Sharpened(last_frame, 0.98)(frames[None, [0, 16, 32, 48]])
    assert (score(predicted[0].astype(np.float32), frames[[0, 16, 32, 48]], frames[112])["accuracy"] or 0) < 0.5


def test_the_mode_of_a_cell_is_its_most_frequent_token_or_the_latest_of_several() -> None:
    cells = np.array([[1, 1, 2, 3], [1, 2, 2, 1], [1, 2, 3, 4], [5, 6, 6, 6]], dtype=np.uint8)
    assert mode_of_cell(cells.T[None, :, :, None])[0, :, 0].tolist() == [1, 1, 4, 6]


@given(st.integers(1, 3), st.integers(2, 6), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_predictions_are_probabilities(batch: int, height: int, width: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    context = chance.integers(0, TOKENS, (batch, 4, height, width), dtype=np.uint8)
    markov = Markov(chance.integers(0, 9, (TOKENS,) * 3).astype(float))
    for predict in (uniform, own_unigram, Sharpened(mode_of_cell, 0.7), markov, markov.global_unigram):
        predicted = predict(context)
        assert predicted.shape == (batch, TOKENS, height, width)
        assert predicted.min() > 0
        np.testing.assert_allclose(predicted.sum(axis=1), 1)


def test_the_table_backs_off_to_what_it_knows() -> None:
    counts = np.zeros((TOKENS,) * 3)
    counts[1, 2, 3] = 1e6
    markov = Markov(counts)
    context = np.zeros((1, 4, 1, 3), dtype=np.uint8)
    context[0, 2:, 0] = [[1, 9, 9], [2, 2, 9]]
    seen, last_seen, unseen = markov(context)[0, :, 0].T
    assert seen[3] > 0.999
    assert last_seen[3] > 0.999
    np.testing.assert_allclose(unseen, markov.unigram)


def test_weights_are_fitted_to_what_pays(scored: DataFolder) -> None:
    source = split("train", scored)
    fitted = Sharpened.fitted(last_frame, source)
    assert 0 <= fitted.weight < 1
    cost = {weight: mean_cost(Sharpened(last_frame, weight), source) for weight in (0.0, fitted.weight, 0.98)}
    assert cost[fitted.weight] < cost[0.0] + 0.05
    assert cost[fitted.weight] < cost[0.98]


def mean_cost(predict: Predict, source: RolloutSource) -> float:
    return float(evaluate(predict, source).rows["cross_entropy"].to_numpy().mean())


@pytest.mark.parametrize("build", [ConvNet, Transformer])
def test_networks_know_no_edge(build: type[ConvNet] | type[Transformer]) -> None:
    """On a torus, a shifted context gives a shifted prediction; the transformer is told places, so only nearly."""
    import torch

    torch.manual_seed(0)
    model = build()
    context = torch.randint(0, TOKENS, (1, 4, 9, 11))
    shifted = model(context.roll((2, 3), dims=(2, 3))).roll((-2, -3), dims=(2, 3))
    torch.testing.assert_close(shifted, model(context), atol=1e-4 if build is ConvNet else 1.0, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("build", [ConvNet, Transformer])
def test_networks_learn_and_training_is_repeatable(
    build: type[ConvNet], scored: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "FEWEST_STEPS", 60)
    few = split("train", scored).take(range(8))
    steps: list[int] = []
    predict = train(build, few, "cpu", lambda done, _: steps.append(done))
    assert steps == list(range(1, 61))
    assert mean_cost(predict, few) < mean_cost(own_unigram, few)
    again = train(build, few, "cpu", unwatched)
    assert mean_cost(again, few) == pytest.approx(mean_cost(predict, few), abs=1e-3)


def test_the_oracle_foresees_what_noise_does_not_change(scored: DataFolder, resources: Resources) -> None:
    """The calmest rollout of all: its futures hardly differ."""
    calmest = "SELECT rollout_id FROM labels ORDER BY change_48_112 LIMIT 1"
    source = RolloutSource.query(calmest, scored, columns=IDENTITY)
    scores = evaluate_examples(Oracle.of(scored, resources), source)
    assert scores["accuracy"].item() > 0.9
    assert scores["skill"].item() > 0.8


@pytest.mark.parametrize("index", [27, 115])
def test_the_oracle_costs_less_than_guessing_on_chaotic_rollouts(
    scored: DataFolder, resources: Resources, index: int
) -> None:
    """Whose futures spread over so many tokens that shares of some hundred of them are far from the truth."""
    rollout = RolloutId("set1", index)
    frames = regenerate(rollout, scored, resources)
    given = Examples(frames[None, LONG_HORIZON[:4]], frames[None, LONG_HORIZON[4]], [rollout], [{}])
    [predicted] = Oracle.of(scored, resources)(given)
    assert cross_entropy(predicted, given.target[0]) < np.log(TOKENS)


def test_nothing_is_scored_against_an_oracle_of_another_recipe(
    scored: DataFolder, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_recipe, "RECIPE_VERSION", RECIPE_VERSION + 1)
    with pytest.raises(NcaError, match=f"were labeled with recipe version {RECIPE_VERSION}"):
        score_baselines(scored, resources, lambda _: nullcontext(unwatched))


@pytest.mark.slow
def test_no_baseline_clearly_beats_the_oracle(scored: DataFolder, resources: Resources) -> None:
    board = score_baselines(scored, resources, lambda _: nullcontext(unwatched))
    models = board.models
    assert set(models["model"]) == {
        "oracle", "transformer", "convnet", "copy last", "mode of cell", "rollout unigram", "markov", "uniform",
        "global unigram",
    }  # fmt: skip
    assert models["model"][0] == ORACLE
    assert below_the_oracle(board.rows) == []
    entropies = dict(zip(models["model"], models["cross_entropy"], strict=True))
    assert min(entropies["convnet"], entropies["transformer"], entropies["copy last"]) < entropies["rollout unigram"]
    assert entropies["uniform"] == pytest.approx(np.log(32), abs=1e-3)
    assert pl.read_parquet(local(scored.scores_file)).equals(board.rows)
    build_warehouse(scored)
    columns, rows = first_rows("FROM long_horizon_leaderboard", scored, 20)
    assert [row[0] for row in rows] == models["model"].to_list()
    assert columns == summary(board.rows, "model").columns
    with Image.open(io.BytesIO(leaderboard_chart(entropies, ORACLE))) as chart:
        assert chart.width > 600
