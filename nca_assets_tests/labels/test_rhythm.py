"""Rhythms: the match of a movie with itself, and the lag at which it comes back."""

import numpy as np
import pytest

from nca_assets.labels.matching import MatchCounter
from nca_assets.labels.rhythm import lag_match_curve, recovery, rhythm_lag
from nca_assets_tests.labels import movies


def test_the_lag_match_curve_is_its_definition() -> None:
    movie = movies.flickering(movies.cycle(9), 0.05)
    window = movie[-256:]
    curve = lag_match_curve(MatchCounter(movie))
    assert len(curve) == 128
    for lag in (1, 9, 128):
        expected = np.mean([(window[t] == window[t - lag]).mean() for t in range(lag, 256)])
        assert curve[lag - 1] == pytest.approx(expected)


def test_fewer_frames_shorten_the_lags() -> None:
    assert len(lag_match_curve(MatchCounter(movies.noise()[:140]))) == 70


def test_the_rhythm_is_the_first_peak_that_recovers_half_of_what_was_lost() -> None:
    curve = np.array([0.9, 0.5, 0.4, 0.55, 0.62, 0.71, 0.69, 0.4, 0.9])
    assert rhythm_lag(curve) == 6
    assert rhythm_lag(curve[:5]) is None
    assert recovery(curve).tolist() == pytest.approx([0, 0, 0, 0.25, 0.22 / 0.6, 0.31 / 0.6, 0.29 / 0.6, 0, 0.5 / 0.6])


def test_a_match_that_still_rises_at_the_longest_lag_has_no_peak() -> None:
    assert rhythm_lag(np.array([0.9, 0.2, 0.7, 0.8])) is None


def test_little_that_changes_counts_as_much_as_all() -> None:
    """One cell of a hundred blinks: the match falls to 0.99 and comes back."""
    assert rhythm_lag(np.array([0.99, 1.0, 0.99, 1.0])) == 2


def test_nothing_is_recovered_where_nothing_is_lost() -> None:
    assert recovery(np.ones(5)).tolist() == [0] * 5
    assert rhythm_lag(np.ones(5)) is None
