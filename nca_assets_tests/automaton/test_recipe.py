"""A recipe is drawn by integer arithmetic, depends on (seed, index) alone, and can't leave the exact range."""

from collections import Counter
from math import sqrt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.catalog import FAMILIES
from nca_assets.automaton.lattice import EXACT_LIMIT
from nca_assets.automaton.recipe import Rule, draw_initial_state, draw_rule, draw_rule_of
from nca_assets.law import SHARES, Law
from nca_assets_tests.automaton import integer_families, integer_sketch
from nca_assets_tests.automaton.integer_sketch import Recipe
from nca_assets_tests.automaton.rules import NAMES, names, rule_of, rules_of, specified, word


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
    rule, spec = draw_rule(seed, index), integer_families.recipe(seed, index)
    assert rule.scalars.family == spec.family
    assert_equal(rule, spec)


shares = st.dictionaries(names, st.integers(1, 1000), min_size=1)
sides = st.tuples(st.integers(8, 128), st.integers(8, 128)).map(sorted)


@given(seed=word, index=word, shares=shares, sides=sides)
def test_a_set_may_have_a_law_of_its_own(seed: int, index: int, shares: dict[str, int], sides: list[int]) -> None:
    smallest, largest = sides
    rule = draw_rule(seed, index, Law(shares, smallest, largest))
    spec = integer_families.recipe(seed, index, shares, (smallest, largest))
    assert rule.scalars.family == spec.family in shares
    assert_equal(rule, spec)
    assert rule.largest_sum() <= EXACT_LIMIT
    assert draw_initial_state(rule).shape == (spec.height, spec.width, 16)


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
def test_noise_lies_on_the_finest_lattice(name: str) -> None:
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
    fresh, spec = draw_rule(seed, index), integer_families.recipe(seed, index)
    rule_of(before, seed, index)
    again = draw_rule(seed, index)
    assert_equal(fresh, spec)
    assert_equal(again, spec)
    assert again.start == fresh.start
    assert rule_of(name, seed, index).start == rule_of(name, seed, index).start


def test_families_have_their_shares() -> None:
    drawn = Counter(draw_rule(5, index).scalars.family for index in range(5120))
    assert sum(SHARES.values()) == 512
    for family in FAMILIES:
        expected = 10 * SHARES[family.name]
        assert abs(drawn[family.name] - expected) < 4 * sqrt(expected), family.name


def test_families_that_follow_each_other_begin_where_the_last_one_ends() -> None:
    """The first word decides: 512 equal parts of its range, in the order of the families."""
    assert [name for name, _, _ in integer_families.FAMILIES] == NAMES
    for index in range(200):
        number = Draws(6, index).word() * 512 >> 32
        borders = np.cumsum(list(SHARES.values()))
        assert draw_rule(6, index).scalars.family == NAMES[np.searchsorted(borders, number, side="right")]


def test_a_family_draws_what_follows_in_the_words() -> None:
    for index in range(50):
        draws, rule = Draws(7, index), draw_rule(7, index)
        draws.word()
        family = next(family for family in FAMILIES if family.name == rule.scalars.family)
        np.testing.assert_array_equal(draw_rule_of(family, draws).weights_in, rule.weights_in)
