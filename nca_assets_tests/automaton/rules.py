"""Rules for tests: of any family, on any grid; and the same from the words of the specification."""

import dataclasses

from hypothesis import strategies as st

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.catalog import FAMILIES
from nca_assets.automaton.recipe import Rule, draw_rule_of
from nca_assets_tests.automaton import integer_families
from nca_assets_tests.automaton.integer_sketch import Recipe

NAMES = [family.name for family in FAMILIES]

names = st.sampled_from(NAMES)
word = st.integers(0, 2**32 - 1)


def rule_of(name: str, seed: int, index: int) -> Rule:
    """A rule of the family ``name``, whatever family the recipe would draw."""
    family = next(family for family in FAMILIES if family.name == name)
    return draw_rule_of(family, Draws(seed, index))


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
