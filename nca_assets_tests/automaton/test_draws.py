"""Scalars: words of one stream, one after the other."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.automaton.draws import Draws, halves
from nca_assets_tests.automaton.integer_philox import philox
from nca_assets_tests.automaton.rules import word


@given(seed=word, index=word)
def test_word_n_is_one_of_counter_n_over_4(seed: int, index: int) -> None:
    draws = Draws(seed, index)
    words = [draws.word() for _ in range(300)]
    assert words == [philox((1, 0, n // 4, 0), (seed, index))[n % 4] for n in range(300)]


@given(index=word, low=st.integers(-500, 500), choices=st.integers(1, 600))
def test_a_number_between_two_takes_one_word(index: int, low: int, choices: int) -> None:
    draws, words = Draws(3, index), Draws(3, index)
    for _ in range(10):
        assert draws.between(low, low + choices - 1) == low + words.word() * choices // 2**32


def test_both_ends_and_all_between_are_as_likely() -> None:
    draws = Draws(1, 2)
    drawn = Counter(draws.between(-2, 3) for _ in range(6000))
    assert set(drawn) == {-2, -1, 0, 1, 2, 3}
    assert min(drawn.values()) > 900


def test_choices_signs_and_chances() -> None:
    draws = Draws(1, 3)
    assert {draws.one_of("abc") for _ in range(50)} == set("abc")
    assert {draws.sign() for _ in range(50)} == {1, -1}
    assert sum(draws.chance(8) for _ in range(6400)) == pytest.approx(800, abs=100)
    assert not any(draws.chance(0) for _ in range(50))
    assert all(draws.chance(64) for _ in range(50))


def test_halves_are_low_first() -> None:
    words = np.array([[0x00020001, 0x80000000, 0, 0xFFFF0003]], dtype=np.uint32)
    assert halves(words).tolist() == [[1, 2, 0, 0x8000, 0, 0, 3, 0xFFFF]]
