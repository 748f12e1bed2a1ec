"""A recipe is drawn by integer arithmetic, depends on (seed, index) alone, and can't leave the exact range."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nca_assets.automaton import recipe
from nca_assets.automaton.lattice import CHANNELS, EXACT_LIMIT, STATE_ONE, WEIGHT_ONE
from nca_assets.automaton.recipe import (
    GAINS,
    LEAKS,
    NOISE_SHIFTS,
    RESIDUAL_SHIFTS,
    Rule,
    draw_initial_state,
    draw_rule,
    draw_shape,
)
from nca_assets_tests.automaton import integer_reference

word = st.integers(0, 2**32 - 1)


@given(seed=word, index=word)
@example(seed=1, index=0)
def test_equals_the_specification(seed: int, index: int) -> None:
    rule, spec = draw_rule(seed, index), integer_reference.recipe(seed, index)
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
def test_the_initial_state_is_the_specifications(seed: int, index: int) -> None:
    state = draw_initial_state(draw_rule(seed, index))
    assert state.dtype == np.int16
    np.testing.assert_array_equal(state.transpose(2, 0, 1), integer_reference.states(seed, index, frames=1)[0])


@given(seed=word, index=word)
def test_drawn_recipes_stay_exact(seed: int, index: int) -> None:
    assert draw_rule(seed, index).largest_sum() <= EXACT_LIMIT


@given(
    gain_in=st.integers(GAINS[0], GAINS[1]),
    gain_out=st.integers(GAINS[0], GAINS[1]),
    shift=st.sampled_from(RESIDUAL_SHIFTS),
    leak=st.sampled_from(LEAKS),
    noise_shift=st.sampled_from(NOISE_SHIFTS),
)
@example(gain_in=GAINS[1], gain_out=GAINS[1], shift=3, leak=64, noise_shift=14)
def test_no_possible_recipe_leaves_the_exact_range(
    gain_in: int, gain_out: int, shift: int, leak: int, noise_shift: int
) -> None:
    """Even if every weight were as large as its gain allows."""
    assert worst_rule(gain_in, gain_out, shift, leak, noise_shift).largest_sum() <= EXACT_LIMIT


def test_largest_sum_is_reached_by_the_worst_state() -> None:
    """The bound is the true maximum, not a guess: a state of ones and the worst noise reach it."""
    rule = worst_rule(32, 32, shift=3, leak=64, noise_shift=14)
    hidden = (16 * 9 * 32 + 32) * STATE_ONE
    update = hidden + 64 * STATE_ONE
    assert rule.largest_sum() == STATE_ONE * WEIGHT_ONE * 8 + update + 255 * 2 ** (16 + 3 - 14)


def test_noise_lies_on_the_finest_lattice() -> None:
    assert max(NOISE_SHIFTS) <= 16 + min(RESIDUAL_SHIFTS)


@given(seed=word, index=word)
def test_shapes_are_in_range_and_shared_by_blocks_of_32(seed: int, index: int) -> None:
    height, width = draw_shape(seed, index)
    assert 8 <= height <= 48
    assert 8 <= width <= 48
    first = index - index % recipe.SHAPE_BLOCK
    assert draw_shape(seed, first) == draw_shape(seed, first + 31) == (height, width)


def test_shapes_have_the_cards_mean_and_median() -> None:
    cells = np.array([np.prod(draw_shape(11, 32 * block)) for block in range(4000)])
    assert cells.mean() == pytest.approx(724.4, rel=0.05)
    assert np.median(cells) == pytest.approx(495, rel=0.10)


def test_scalars_take_every_value_about_equally_often() -> None:
    drawn = [recipe.draw_scalars(5, index) for index in range(1200)]
    for name, choices in [("residual_shift", RESIDUAL_SHIFTS), ("leak", LEAKS), ("noise_shift", NOISE_SHIFTS)]:
        counts = Counter(getattr(scalars, name) for scalars in drawn)
        assert set(counts) == set(choices)
        assert min(counts.values()) > 0.8 * len(drawn) / len(choices)
    assert {scalars.gain_in for scalars in drawn} == set(range(GAINS[0], GAINS[1] + 1))


def worst_rule(gain_in: int, gain_out: int, shift: int, leak: int, noise_shift: int) -> Rule:
    drawn = draw_rule(1, 0)
    ones = np.ones((CHANNELS, CHANNELS, 3, 3), dtype=np.int16)
    return dataclasses.replace(
        drawn,
        scalars=dataclasses.replace(drawn.scalars, residual_shift=shift, leak=leak, noise_shift=noise_shift),
        weights_in=ones * gain_in,
        bias_in=np.full(CHANNELS, gain_in, dtype=np.int16),
        weights_out=-ones * gain_out,
        bias_out=np.full(CHANNELS, -gain_out, dtype=np.int16),
    )
