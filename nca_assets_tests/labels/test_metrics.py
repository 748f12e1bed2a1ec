"""Metrics equal their plain definitions, and closed forms where there are any."""

import math

import numpy as np
import pytest

from nca_assets.labels.metrics import changed_cells, entropy, measure, token_counts
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets_tests.labels import movies


def d(movie: np.ndarray, s: int, t: int) -> float:
    return float(np.mean(movie[s] != movie[t]))


def test_metrics_equal_their_definitions() -> None:
    movie = movies.flickering(movies.cycle(7), 0.1)
    measured = measure(movie)
    steps = [d(movie, t - 1, t) for t in range(1, len(movie))]
    assert measured["mean_change"] == pytest.approx(np.mean(steps))
    assert measured["tail_change"] == pytest.approx(np.mean(steps[-128:]))
    assert measured["early_change"] == pytest.approx(np.mean(steps[:16]))
    assert measured["late_change"] == pytest.approx(np.mean([d(movie, t - 1, t) for t in range(100, len(movie))]))
    assert measured["change_48_112"] == pytest.approx(d(movie, 48, 112))
    shares = np.unique(movie, return_counts=True)[1] / movie.size
    assert measured["token_entropy"] == pytest.approx(-sum(p * math.log2(p) for p in shares))
    assert measured["tokens_used"] == len(np.unique(movie))


@pytest.mark.parametrize(
    ("counts", "bits"),
    [([7], 0), ([0, 3, 0], 0), ([1, 1], 1), ([5] * 32, 5), ([1, 1, 2], 1.5), ([1, 3], 2 - 0.75 * math.log2(3))],
)
def test_entropy_in_closed_form(counts: list[int], bits: float) -> None:
    value = entropy(np.array(counts))
    assert value == pytest.approx(bits, abs=1e-9)
    assert math.copysign(1, value) == 1


def test_a_still_movie_has_no_change_and_one_changing_cell_counts_once() -> None:
    movie = movies.frozen(movies.picture(10, 10))
    assert changed_cells(movie).tolist() == [0] * (movies.FRAMES - 1)
    movie[200:, 4, 4] ^= 1
    assert changed_cells(movie).sum() == 1
    assert changed_cells(movie)[199] == 1


def test_token_counts_cover_the_vocabulary() -> None:
    counts = token_counts(movies.uniform(5))
    assert counts.shape == (32,)
    assert counts[5] == counts.sum() == movies.uniform().size


def test_every_metric_is_a_column() -> None:
    names = [column.name for column in LABEL_COLUMNS]
    measured = list(measure(movies.noise()))
    assert names[names.index("behavior") :] == measured
