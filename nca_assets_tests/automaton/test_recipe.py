"""A recipe is drawn by integer arithmetic, depends on (seed, index) alone, and can't leave the exact range."""

from collections import Counter
from math import sqrt

import numpy as np
import pytest
from hypothesis import example, given, settings

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.catalog import FAMILIES
from nca_assets.automaton.fixed_point import EXACT_LIMIT
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import Rule, draw_initial_state, draw_rule, draw_rule_of
from nca_assets_tests.automaton import integer_families, integer_sketch
from nca_assets_tests.automaton.integer_sketch import Recipe
from nca_assets_tests.automaton.rules import (
    NAMES,
    SHARES,
    names,
    populations,
    rule_of,
    rules_of,
    specified,
    specified_of,
    word,
)


def assert_equal(rule: Rule, spec: Recipe) -> None:
    assert rule.shape == (spec.height, spec.width)
    scalars = rule.scalars
    assert (scalars.residual_shift, scalars.leak, scalars.noise_shift) == (spec.shift, spec.leak, spec.noise_shift)
    for ours, theirs in [
        (rule.weights_in, spec.w1),
        (rule.bias_in, spec.b1),
        (rule.weights_out, spec.w2),
        (rule.bias_out, spec.b2),
    ]:
        np.testing.assert_array_equal(ours, theirs)


@given(seed=word, index=word)
@example(seed=1, index=0)
def test_equals_the_specification(seed: int, index: int) -> None:
    rule, spec = draw_rule(Population(seed), index), integer_families.recipe(seed, index)
    assert rule.scalars.family == spec.family
    assert_equal(rule, spec)


@settings(max_examples=50)
@given(population=populations(largest=24), index=word)
@example(population=Population(3, (("lifelike", 1),), 128, 128), index=2**32 - 1)
@example(population=Population(3, (("breathers", 1),), 4, 4), index=5)
@example(population=Population(3, (("pulsing_breathers", 1),), 128, 128), index=5)
def test_any_population_equals_the_specification(population: Population, index: int) -> None:
    rule, spec = draw_rule(population, index), specified_of(population, index)
    assert rule.scalars.family == spec.family
    assert_equal(rule, spec)
    assert draw_initial_state(rule).reshape(-1, 16).tolist() == integer_sketch.start(spec)


@given(name=names, seed=word, index=word)
def test_every_family_equals_the_specification(name: str, seed: int, index: int) -> None:
    assert_equal(rule_of(name, seed, index), specified(name, seed, index))


@given(name=names, seed=word, index=word)
def test_the_initial_state_is_the_specifications(name: str, seed: int, index: int) -> None:
    state = draw_initial_state(rule_of(name, seed, index))
    assert state.dtype == np.int16
    assert state.reshape(-1, 16).tolist() == integer_sketch.start(specified(name, seed, index))


@pytest.mark.parametrize("name", NAMES)
def test_rules_stay_exact_and_half_precision_holds_their_weights(name: str) -> None:
    for rule in rules_of(name, 300):
        assert rule.largest_sum() <= EXACT_LIMIT
        assert max(np.abs(rule.weights_in).max(), np.abs(rule.weights_out).max()) <= 2047


@given(name=names, seed=word, index=word)
def test_any_rule_stays_exact(name: str, seed: int, index: int) -> None:
    assert rule_of(name, seed, index).largest_sum() <= EXACT_LIMIT


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_a_multiple_of_the_finest_step(name: str) -> None:
    for rule in rules_of(name, 100):
        assert rule.scalars.noise_shift <= 16 + rule.scalars.residual_shift


@given(name=names, seed=word, index=word)
def test_the_channels_of_a_field_begin_equal(name: str, seed: int, index: int) -> None:
    rule = rule_of(name, seed, index)
    state = draw_initial_state(rule)
    assert np.abs(state).max() <= 1024
    first = [rule.fields.index(field) for field in rule.fields]
    np.testing.assert_array_equal(state, state[..., first])


@given(before=names, name=names, seed=word, index=word)
def test_a_rule_is_the_same_whatever_was_drawn_before(before: str, name: str, seed: int, index: int) -> None:
    fresh, spec = draw_rule(Population(seed), index), integer_families.recipe(seed, index)
    rule_of(before, seed, index)
    again = draw_rule(Population(seed), index)
    assert_equal(fresh, spec)
    assert_equal(again, spec)
    assert again.start == fresh.start
    assert rule_of(name, seed, index).start == rule_of(name, seed, index).start


def test_families_have_their_shares() -> None:
    drawn = Counter(draw_rule(Population(5), index).scalars.family for index in range(5120))
    assert sum(SHARES.values()) == 512
    for name, share in SHARES.items():
        assert abs(drawn[name] - 10 * share) < 4 * sqrt(10 * share), name


def test_a_populations_families_have_its_shares_and_others_do_not_occur() -> None:
    population = Population(5, (("plain", 3), ("spirals", 1)))
    drawn = Counter(draw_rule(population, index).scalars.family for index in range(2000))
    assert set(drawn) == {"spirals", "plain"}
    assert drawn["plain"] == pytest.approx(1500, abs=80)


def test_families_that_follow_each_other_begin_where_the_last_one_ends() -> None:
    """The first word decides: 512 equal parts of its range, in the order of the families."""
    assert [name for name, _, _ in integer_families.FAMILIES] == NAMES
    for index in range(200):
        number = Draws(6, index).word() * 512 >> 32
        borders = np.cumsum(list(SHARES.values()))
        assert draw_rule(Population(6), index).scalars.family == NAMES[np.searchsorted(borders, number, side="right")]


def test_a_family_draws_what_follows_in_the_words() -> None:
    for index in range(50):
        draws, rule = Draws(7, index), draw_rule(Population(7), index)
        draws.word()
        family = next(family for family in FAMILIES if family.name == rule.scalars.family)
        np.testing.assert_array_equal(draw_rule_of(family, draws, rule.shape).weights_in, rule.weights_in)
