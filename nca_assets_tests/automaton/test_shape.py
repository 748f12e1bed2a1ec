"""Grid shapes: skewed as the card's, the same in every stretch of a set, and shared by blocks of 32 rollouts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.automaton.shape import SHAPE_BLOCK, draw_shape
from nca_assets.law import Law
from nca_assets_tests.automaton import integer_sketch
from nca_assets_tests.automaton.rules import word


@given(seed=word, index=word)
def test_equals_the_specification(seed: int, index: int) -> None:
    assert draw_shape(seed, index) == integer_sketch.shape(seed, index)


@given(seed=word, index=word)
def test_shapes_are_in_range_and_shared_by_blocks_of_32(seed: int, index: int) -> None:
    height, width = draw_shape(seed, index)
    assert 8 <= height <= 48
    assert 8 <= width <= 48
    first = index - index % SHAPE_BLOCK
    assert draw_shape(seed, first) == draw_shape(seed, first + 31) == (height, width)


@pytest.mark.parametrize(("first", "blocks"), [(0, 64), (1000, 64), (0, 4000)])
@pytest.mark.parametrize("seed", [1, 2, 3, 11])
def test_shapes_have_the_cards_mean_and_median_in_every_stretch(seed: int, first: int, blocks: int) -> None:
    cells = np.array([np.prod(draw_shape(seed, 32 * block)) for block in range(first, first + blocks)])
    assert cells.mean() == pytest.approx(724.4, rel=0.05)
    assert np.median(cells) == pytest.approx(495, rel=0.10)


@given(seed=word, index=word, sides=st.tuples(st.integers(8, 128), st.integers(8, 128)).map(sorted))
def test_a_set_may_have_sides_of_its_own(seed: int, index: int, sides: list[int]) -> None:
    smallest, largest = sides
    shape = draw_shape(seed, index, Law(smallest_side=smallest, largest_side=largest))
    assert shape == integer_sketch.shape(seed, index, (smallest, largest))
    assert smallest <= min(shape) <= max(shape) <= largest
