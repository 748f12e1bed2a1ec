"""Rules for tests: of any family, on any grid; and the same from the words of the specification."""

import dataclasses

from hypothesis import strategies as st

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.catalog import FAMILIES
from nca_assets.automaton.population import FAMILY_SHARES, MAX_SHARE, MAX_SIDE, MIN_SIDE, Population
from nca_assets.automaton.recipe import Rule, draw_rule_of
from nca_assets.automaton.shape import draw_shape
from nca_assets_tests.automaton import integer_families
from nca_assets_tests.automaton.integer_sketch import Recipe

NAMES = [family.name for family in FAMILIES]
SHARES = dict(FAMILY_SHARES)

names = st.sampled_from(NAMES)
word = st.integers(0, 2**32 - 1)


@st.composite
def populations(draw: st.DrawFn, largest: int = MAX_SIDE) -> Population:
    """Any mix of families, with sides up to ``largest`` at most."""
    shares = draw(st.dictionaries(names, st.integers(1, MAX_SHARE), min_size=1))
    smallest_side, largest_side = sorted(draw(st.tuples(*[st.integers(MIN_SIDE, largest)] * 2)))
    return Population(draw(word), tuple(shares.items()), smallest_side, largest_side)


def specified_of(population: Population, index: int) -> Recipe:
    """The rule that ``draw_rule`` draws, by the specification."""
    sides = population.smallest_side, population.largest_side
    return integer_families.recipe(population.seed, index, dict(population.families), sides)


def rule_of(name: str, seed: int, index: int) -> Rule:
    """A rule of the family ``name``, whatever family the recipe would draw."""
    family = next(family for family in FAMILIES if family.name == name)
    return draw_rule_of(family, Draws(seed, index), draw_shape(Population(seed), index))


def rules_of(name: str, count: int, seed: int = 8) -> list[Rule]:
    """A rule each from ``count`` blocks of 32 rollouts, so that grids are of every size."""
    return [rule_of(name, seed, 32 * block + block % 32) for block in range(count)]


def rule_of_shape(name: str, seed: int, index: int, height: int, width: int) -> Rule:
    """The drawn rule on another grid; the recipe's own shapes are a few dozen."""
    rule = rule_of(name, seed, index)
    return dataclasses.replace(rule, scalars=dataclasses.replace(rule.scalars, height=height, width=width))


def specified(name: str, seed: int, index: int) -> Recipe:
    """The rule that ``rule_of`` draws, by the specification."""
    recipe = Recipe(seed, index)
    draw = next(draw for listed, _, draw in integer_families.FAMILIES if listed == name)
    draw(recipe)
    return recipe
