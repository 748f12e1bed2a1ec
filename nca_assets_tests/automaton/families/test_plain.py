"""Plain rules: every weight by itself, or smooth: a kernel and a gain for each pair of channels."""

import dataclasses

import numpy as np

from nca_assets.automaton.families.plain import KERNELS
from nca_assets.automaton.fixed_point import EXACT_LIMIT, STATE_ONE, WEIGHT_ONE
from nca_assets.automaton.recipe import Rule
from nca_assets_tests.automaton.rules import rule_of

PLAIN_RULES = [rule_of("plain", 8, index) for index in range(300)]


def is_smooth(rule: Rule) -> bool:
    return not rule.bias_in.any()


def test_one_rule_in_eight_is_smooth_and_has_no_biases() -> None:
    smooth = [rule for rule in PLAIN_RULES if is_smooth(rule)]
    assert 20 <= len(smooth) <= 60
    assert not any(rule.bias_out.any() for rule in smooth)


def test_taps_of_a_smooth_rule_are_a_gain_spread_over_a_kernel() -> None:
    spread = {tuple(kernel.spread(gain)) for kernel in KERNELS for gain in range(-16 * 44, 16 * 44 + 1)}
    smooth = next(rule for rule in PLAIN_RULES if is_smooth(rule))
    for weights in (smooth.weights_in, smooth.weights_out):
        assert {tuple(taps) for taps in weights.reshape(-1, 9).tolist()} <= spread


def test_other_weights_are_uniform_up_to_the_gain() -> None:
    for rule in PLAIN_RULES:
        if not is_smooth(rule):
            gain_in, gain_out = (int(np.abs(weights).max()) for weights in (rule.weights_in, rule.weights_out))
            assert 24 <= gain_in <= 44
            assert 16 <= gain_out <= 44
            assert len(np.unique(rule.weights_in)) == 2 * gain_in + 1
            assert np.abs(rule.bias_in).max() <= gain_in
            assert np.abs(rule.weights_in.mean()) < 0.1 * gain_in


def test_every_channel_is_a_field_of_its_own() -> None:
    assert all(rule.fields == tuple(range(16)) for rule in PLAIN_RULES)
    assert {rule.scalars.leak for rule in PLAIN_RULES} == {0, 16}


def worst_plain_rule() -> Rule:
    """The largest gains, every weight as large as they allow: of no other rule are sums as large."""
    rule = next(rule for rule in PLAIN_RULES if is_smooth(rule))
    most = max(int(np.abs(kernel.spread(gain)).sum()) for kernel in KERNELS for gain in range(16 * 44 + 1))
    weights = np.zeros((16, 16, 3, 3), dtype=np.int16)
    weights[:, :, 1, 1] = most
    scalars = dataclasses.replace(rule.scalars, residual_shift=3, leak=16, noise_shift=11)
    return dataclasses.replace(rule, scalars=scalars, weights_in=weights, weights_out=weights)


def test_the_worst_plain_rule_stays_exact() -> None:
    """The bound is the true maximum, not a guess: a state of ones and the worst noise reach it."""
    update = 16 * 704 * STATE_ONE + 16 * STATE_ONE
    assert worst_plain_rule().largest_sum() == STATE_ONE * WEIGHT_ONE * 8 + update + 255 * 2 ** (16 + 3 - 11)
    assert worst_plain_rule().largest_sum() <= EXACT_LIMIT
    assert max(rule.largest_sum() for rule in PLAIN_RULES) <= worst_plain_rule().largest_sum()
