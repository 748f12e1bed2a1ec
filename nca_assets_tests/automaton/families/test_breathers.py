"""Breathers: marks turn; off them the ground rests, or turns as a whole."""

import pytest

from nca_assets_tests.automaton.families.movies import MARK, movies_of


@pytest.mark.parametrize(("name", "field"), [("breathers", 0), ("pulsing_breathers", 2)])
def test_marks_turn_and_all_else_is_still(name: str, field: int) -> None:
    for movie in movies_of(name, 10, 100):
        marks = movie[MARK][0] > 0
        turning = movie[field][40:]
        assert turning[:, marks].std(axis=0).mean() > 300
        assert turning[:, ~marks].max() < -900
