"""A recipe is drawn by integer arithmetic, depends on (seed, index) alone, and can't leave the exact range."""

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nca_assets.automaton import recipe
from nca_assets.automaton.lattice import CHANNELS, EXACT_LIMIT, STATE_ONE, WEIGHT_ONE
from nca_assets.automaton.recipe import REGIMES, Regime, Rule, draw_initial_state, draw_rule
from nca_assets.automaton.shape import draw_shape
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


@pytest.mark.parametrize("regime", REGIMES, ids=lambda regime: regime.name)
def test_no_possible_recipe_leaves_the_exact_range(regime: Regime) -> None:
    """Even if every weight were as large as its gain allows."""
    choices = itertools.product(regime.residual_shifts, regime.leaks, regime.noise_shifts)
    for shift, leak, noise_shift in choices:
        assert worst_rule(regime, shift, leak, noise_shift).largest_sum() <= EXACT_LIMIT


def test_largest_sum_is_reached_by_the_worst_state() -> None:
    """The bound is the true maximum, not a guess: a state of ones and the worst noise reach it."""
    rule = worst_rule(REGIMES[2], shift=7, leak=64, noise_shift=14)
    update = (16 * 9 * 44 + 44) * STATE_ONE + 64 * STATE_ONE
    assert rule.largest_sum() == STATE_ONE * WEIGHT_ONE * 128 + update + 255 * 2 ** (16 + 7 - 14)


def test_noise_lies_on_the_finest_lattice() -> None:
    for regime in REGIMES:
        assert max(regime.noise_shifts) <= 16 + min(regime.residual_shifts)


def test_a_single_tap_is_all_that_its_convolution_sees() -> None:
    single = {regime.name for regime in REGIMES if regime.single_tap}
    for index in range(200):
        rule = draw_rule(4, index)
        taps = rule.scalars.tap_in, rule.scalars.tap_out
        for weights, gain, tap in zip(
            (rule.weights_in, rule.weights_out), (rule.scalars.gain_in, rule.scalars.gain_out), taps, strict=True
        ):
            by_tap = np.abs(weights.reshape(16, 16, 9)).max(axis=(0, 1))
            if rule.scalars.regime in single:
                assert np.flatnonzero(by_tap).tolist() == [tap]
                assert by_tap.max() <= 3 * gain
            else:
                assert tap is None
                assert by_tap.min() > 0
                assert by_tap.max() <= gain


@given(seed=word, index=word)
def test_shapes_are_in_range_and_shared_by_blocks_of_32(seed: int, index: int) -> None:
    height, width = draw_shape(seed, index)
    assert 8 <= height <= 48
    assert 8 <= width <= 48
    first = index - index % recipe.SHAPE_BLOCK
    assert draw_shape(seed, first) == draw_shape(seed, first + 31) == (height, width)


@pytest.mark.parametrize(("first", "blocks"), [(0, 64), (1000, 64), (0, 4000)])
@pytest.mark.parametrize("seed", [1, 2, 3, 11])
def test_shapes_have_the_cards_mean_and_median_in_every_stretch(seed: int, first: int, blocks: int) -> None:
    cells = np.array([np.prod(draw_shape(seed, 32 * block)) for block in range(first, first + blocks)])
    assert cells.mean() == pytest.approx(724.4, rel=0.05)
    assert np.median(cells) == pytest.approx(495, rel=0.10)


def test_regimes_have_their_shares_and_scalars_take_every_value() -> None:
    drawn = [recipe.draw_scalars(5, index) for index in range(6000)]
    assert sum(regime.share for regime in REGIMES) == 32
    for regime in REGIMES:
        of_regime = [scalars for scalars in drawn if scalars.regime == regime.name]
        assert len(of_regime) / len(drawn) == pytest.approx(regime.share / 32, rel=0.15)
        for name in ("residual_shift", "leak", "noise_shift"):
            choices = getattr(regime, f"{name}s")
            counts = Counter(getattr(scalars, name) for scalars in of_regime)
            assert set(counts) == set(choices)
            assert min(counts.values()) > 0.75 * len(of_regime) / len(choices)
        for name in ("gain_in", "gain_out"):
            low, high = regime.gains_in if name == "gain_in" else regime.gains_out
            assert {getattr(scalars, name) for scalars in of_regime} == set(range(low, high + 1))
        if regime.single_tap:
            assert {scalars.tap_in for scalars in of_regime} == set(range(9))


def worst_rule(regime: Regime, shift: int, leak: int, noise_shift: int) -> Rule:
    """The largest gains, every weight as large as they allow."""
    drawn = draw_rule(1, 0)
    taps, factor = (1, recipe.SINGLE_TAP_FACTOR) if regime.single_tap else (9, 1)
    kernel = (np.arange(9) < taps).astype(np.int16).reshape(3, 3) * factor
    ones = np.ones((CHANNELS, CHANNELS, 1, 1), dtype=np.int16) * kernel
    gain_in, gain_out = regime.gains_in[1], regime.gains_out[1]
    return dataclasses.replace(
        drawn,
        scalars=dataclasses.replace(drawn.scalars, residual_shift=shift, leak=leak, noise_shift=noise_shift),
        weights_in=ones * gain_in,
        bias_in=np.full(CHANNELS, gain_in, dtype=np.int16),
        weights_out=-ones * gain_out,
        bias_out=np.full(CHANNELS, -gain_out, dtype=np.int16),
    )
