"""The floor: low where noise changes little, never above guessing, and below every baseline on every board."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.figures.models import horizon_curve, leaderboard
from nca_assets.loading import same_recipe
from nca_assets.loading.source import RolloutSource
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Resources
from nca_assets.tasks import leaderboard as of_leaderboard
from nca_assets.tasks import windows
from nca_assets.tasks.boards import below_the_floor
from nca_assets.tasks.floor import FLOOR, Futures, score_floor
from nca_assets.tasks.leaderboard import NETWORKS, SEEDS, read_boards, read_scores, score_baselines
from nca_assets.tasks.long_horizon import split
from nca_assets.tasks.scores import IDENTITY
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.centroids import load_centroids
from nca_assets.warehouse.answer import first_rows
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.conftest import local


def first_by(order: str, scored: DataFolder) -> RolloutSource:
    query = f"SELECT rollout_id FROM labels ORDER BY {order} LIMIT 1"
    return RolloutSource.query(query, scored, columns=IDENTITY)


def test_it_is_low_where_noise_changes_little(scored: DataFolder, resources: Resources) -> None:
    scores = score_floor(first_by("change_48_112", scored), (64,), scored, resources)
    assert scores["accuracy"].item() > 0.9
    assert scores["skill"].item() > 0.8
    assert scores["low"].item() <= scores["cross_entropy"].item() <= scores["high"].item()


def test_it_is_at_most_that_of_guessing_where_much_is_noise(scored: DataFolder, resources: Resources) -> None:
    """The futures spread over so many tokens that shares of a hundred of them are far from the truth."""
    source = first_by("compression_ratio DESC", scored)
    found = score_floor(source, (1, 64), scored, resources)
    near, far = found["cross_entropy"]
    assert near < far <= np.log(32)
    futures = Futures(scored, load_centroids(scored))(source.ids[0], (64,))
    shares = np.stack([(futures == token).mean(axis=0) for token in range(32)])
    biased = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=0).mean()
    assert biased < far


def test_nothing_is_scored_against_a_floor_of_another_recipe(
    scored: DataFolder, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_recipe, "RECIPE_VERSION", RECIPE_VERSION + 1)
    with pytest.raises(NcaError, match=f"were labeled with recipe version {RECIPE_VERSION}"):
        score_baselines(scored, resources, Shown())


class Shown:
    """Remembers what was made; after ``most`` parts, the run is interrupted."""

    def __init__(self, most: int = 1000) -> None:
        self.parts: list[str] = []
        self.most = most

    @contextmanager
    def __call__(self, what: str) -> Iterator[Progress]:
        if len(self.parts) == self.most:
            raise KeyboardInterrupt
        self.parts.append(what)
        yield unwatched


@pytest.fixture
def without_networks(scored: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """And with no parts of earlier tests."""
    monkeypatch.setattr(of_leaderboard, "NETWORKS", {})
    monkeypatch.setattr(windows, "EPOCHS", 1)
    shutil.rmtree(local(scored / "tasks"), ignore_errors=True)


@pytest.mark.slow
@pytest.mark.usefixtures("without_networks")
def test_an_interrupted_run_goes_on(scored: DataFolder, resources: Resources) -> None:
    first, second = Shown(most=5), Shown()
    with pytest.raises(KeyboardInterrupt):
        score_baselines(scored, resources, first)
    board = score_baselines(scored, resources, second)
    assert len(first.parts) == 5
    assert not set(first.parts) & set(second.parts)
    assert len(first.parts) + len(second.parts) == 3 + 4 * SEEDS
    again = Shown()
    assert score_baselines(scored, resources, again).digest == board.digest
    assert again.parts == []


@pytest.mark.slow
@pytest.mark.usefixtures("without_networks")
def test_parts_are_made_again_for_other_baselines(
    scored: DataFolder, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_baselines(scored, resources, Shown())
    monkeypatch.setattr(of_leaderboard, "VERSION", of_leaderboard.VERSION + 1)
    again = Shown()
    score_baselines(scored, resources, again)
    assert len(again.parts) == 3 + 4 * SEEDS


@pytest.mark.long
def test_no_baseline_is_below_the_floor_on_any_board(
    scored: DataFolder, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "EPOCHS", 1)
    board = score_baselines(scored, resources, Shown())
    assert below_the_floor(board.boards) == []
    task = board.boards.filter(board="all", horizon=64)
    entropies = dict(zip(task["model"], task["cross_entropy"], strict=True))
    assert set(entropies) == {
        FLOOR, *NETWORKS, "copy last", "mode of cell", "rollout unigram", "markov", "uniform", "global unigram",
    }  # fmt: skip
    assert task["model"][0] == FLOOR
    assert entropies["copy last"] < entropies["uniform"]
    assert entropies["uniform"] == pytest.approx(np.log(32), abs=1e-3)
    assert task.filter(model="convnet")["seeds"].item() == SEEDS
    assert task.filter(model="convnet")["trained_on"].item() == len(split("train", scored))
    floors = board.rows.filter(model=FLOOR).group_by("horizon").agg(pl.col("cross_entropy").mean()).sort("horizon")
    assert floors["cross_entropy"][0] < floors["cross_entropy"][-1]
    assert read_scores(scored).equals(board.rows)
    assert read_boards(scored).equals(board.boards)

    build_warehouse(scored)
    columns, found = first_rows("FROM long_horizon_leaderboard", scored, 20)
    assert [row[0] for row in found] == task["model"].to_list()
    assert columns == task.columns[3:]
    columns, [[number]] = first_rows("SELECT count(*) FROM long_horizon_scores WHERE model = 'convnet'", scored, 1)
    assert number == SEEDS * len(split("test", scored))
    for picture in (leaderboard(board.boards), horizon_curve(board.boards)):
        assert picture.png.startswith(b"\x89PNG")
        assert len(picture.svg) > 10_000
