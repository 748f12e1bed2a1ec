"""Grid shapes: skewed as the card's, the same in every stretch of a set, and shared by blocks of 32 rollouts."""

import numpy as np
import pytest
from hypothesis import given

from nca_assets.automaton.population import FAMILY_SHARES, Population
from nca_assets.automaton.shape import SHAPE_BLOCK, draw_shape
from nca_assets_tests.automaton import integer_sketch
from nca_assets_tests.automaton.rules import populations, word


@given(seed=word, index=word)
def test_equals_the_specification(seed: int, index: int) -> None:
    assert draw_shape(Population(seed), index) == integer_sketch.shape(seed, index)


@given(seed=word, index=word)
def test_shapes_are_in_range_and_shared_by_blocks_of_32(seed: int, index: int) -> None:
    height, width = draw_shape(Population(seed), index)
    assert 8 <= height <= 48
    assert 8 <= width <= 48
    first = index - index % SHAPE_BLOCK
    assert draw_shape(Population(seed), first) == draw_shape(Population(seed), first + 31) == (height, width)


@given(population=populations(), index=word)
def test_any_population_has_the_specifications_shapes_within_its_sides(population: Population, index: int) -> None:
    smallest, largest = population.smallest_side, population.largest_side
    shape = draw_shape(population, index)
    assert shape == integer_sketch.shape(population.seed, index, (smallest, largest))
    assert smallest <= min(shape) <= max(shape) <= largest


@pytest.mark.parametrize("sides", [(4, 128), (8, 48), (8, 9), (100, 128)])
def test_both_ends_of_the_range_of_sides_occur(sides: tuple[int, int]) -> None:
    drawn = {
        side for block in range(3000) for side in draw_shape(Population(2, FAMILY_SHARES, *sides), SHAPE_BLOCK * block)
    }
    assert (min(drawn), max(drawn)) == sides


@pytest.mark.parametrize("side", [4, 33, 128])
def test_equal_sides_give_squares(side: int) -> None:
    population = Population(2, smallest_side=side, largest_side=side)
    assert {draw_shape(population, SHAPE_BLOCK * block) for block in range(200)} == {(side, side)}


@pytest.mark.parametrize(("first", "blocks"), [(0, 64), (1000, 64), (0, 4000)])
@pytest.mark.parametrize("seed", [1, 2, 3, 11])
def test_shapes_have_the_cards_mean_and_median_in_every_stretch(seed: int, first: int, blocks: int) -> None:
    cells = np.array([np.prod(draw_shape(Population(seed), 32 * block)) for block in range(first, first + blocks)])
    assert cells.mean() == pytest.approx(724.4, rel=0.05)
    assert np.median(cells) == pytest.approx(495, rel=0.10)
