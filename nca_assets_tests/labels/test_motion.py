"""What travels, and what a renaming of tokens explains, on movies whose motion is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.labels.motion import Travel, renamed_change, synchrony, traveling
from nca_assets_tests.labels import movies


@pytest.mark.parametrize(("dy", "dx"), [(0, 1), (0, -1), (1, 0), (0, 2), (-2, 0)])
def test_stripes_that_move_travel_one_way(dy: int, dx: int) -> None:
    stripes = np.repeat(np.arange(6, dtype=np.uint8), 4)
    frame = np.broadcast_to(stripes if dx else stripes[:, None], (24, 24))
    travel = traveling(movies.moving_as_it_is(frame, dy, dx))
    assert travel.share == travel.one_way == pytest.approx(1, abs=0.01)


def test_a_slow_front_travels_too() -> None:
    slow = np.repeat(movies.moving_as_it_is(np.tile(np.arange(24, dtype=np.uint8) // 4, (9, 1)), 0, 1), 4, axis=0)
    assert traveling(slow).one_way > 0.9


def test_opposite_directions_cancel_out() -> None:
    for movie in (movies.target(), movies.spiral(), movies.collision()):
        travel = traveling(movie)
        assert travel.share > 0.8
        assert travel.one_way < 0.05


def test_what_beats_in_place_does_not_travel() -> None:
    assert traveling(movies.blinking()) == Travel(0, 0)
    assert traveling(movies.frozen(movies.picture())) == Travel(0, 0)
    assert traveling(movies.noise()).share < 0.02
    assert traveling(movies.own_phases()).share < 0.15


@given(st.integers(0, 100), st.integers(1, 6))
def test_renamed_change_is_its_definition(seed: int, tokens: int) -> None:
    before, after = np.random.default_rng(seed).integers(0, tokens, (2, 7, 9), dtype=np.uint8)
    explained = sum(np.bincount(after[before == token]).max() for token in np.unique(before))
    assert renamed_change(before, after) == pytest.approx(1 - explained / before.size)


def test_a_renaming_is_fully_explained() -> None:
    frame = movies.picture()
    renamed = np.random.default_rng(3).permutation(32).astype(np.uint8)[frame]
    assert renamed_change(frame, renamed) == 0
    assert synchrony(frame[None], renamed[None]) == 1


def test_more_than_32_tokens() -> None:
    frame = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert renamed_change(frame, frame[::-1]) == 0


def test_synchrony_is_null_without_change_and_small_in_noise() -> None:
    still = movies.frozen(movies.picture())
    assert synchrony(still[:-1], still[1:]) is None
    noise = movies.noise(48, 48)
    assert (synchrony(noise[:-1], noise[1:]) or 1) < 0.1
