"""Gliders: the marks travel, all alike, by one cell a step."""

import numpy as np
import pytest

from nca_assets.automaton.families.gliders import DIRECTIONS
from nca_assets_tests.automaton.families.movies import MARK, movies_of


@pytest.mark.parametrize("name", ["gliders", "pulsing_gliders"])
def test_marks_travel_by_one_of_the_eight_directions(name: str) -> None:
    seen = set()
    for movie in movies_of(name, 40, 30):
        marks = movie[MARK] > 0
        ways = [way for way in DIRECTIONS if travels(marks, way)]
        assert len(ways) == 1
        seen.add(ways[0])
    assert len(seen) >= 6


def travels(marks: np.ndarray, way: tuple[int, int]) -> bool:
    return all((np.roll(marks[0], (way[0] * t, way[1] * t), (0, 1)) == marks[t]).all() for t in range(len(marks)))


def test_directions_are_the_eight_neighbors() -> None:
    assert sorted(DIRECTIONS) == [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
