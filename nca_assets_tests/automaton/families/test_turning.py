"""Media that turn: no cell that saturates the units of its center can rest, whatever its neighbors do."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nca_assets.automaton.families.turning import ANGLES, least_turn
from nca_assets.automaton.recipe import Rule
from nca_assets_tests.automaton import integer_reference
from nca_assets_tests.automaton.integer_sketch import Recipe
from nca_assets_tests.automaton.rules import rule_of, rules_of, specified, word

UNCOUPLED = {"spirals": 0, "waves": 0, "smooth": 2, "colonies": 0, "breathers": 0, "pulsing_breathers": 2}
"""Families with a pair of fields that turns and reads no other, and the first of the two."""

COUPLED = ("flow", "domains", "turbulence")


@dataclass
class Pair:
    """What the specification's bound is made of, read off a rule's weights; in units of 1/64."""

    gain: int
    own: int
    turn: int
    most: int

    def margin(self) -> float:
        """D: how fast a saturated cell moves at least."""
        return abs(self.turn) - self.own - self.most + 4096 / self.gain


def pair_of(rule: Rule, a: int) -> Pair:
    real, imaginary = rule.fields.index(a), rule.fields.index(a + 1)
    carriers = np.array(rule.fields) == a
    written = rule.weights_out[:, :, 1, 1].astype(int)
    seen = np.abs(rule.weights_in).sum(axis=(2, 3))
    of_center = [
        unit
        for unit in range(16)
        if seen[unit, carriers].all()
        and not seen[unit, ~carriers].any()
        and (rule.weights_in[unit, carriers].reshape(-1, 9)[:, [0, 1, 2, 3, 5, 6, 7, 8]] == 0).all()
        and written[imaginary, unit]
    ]
    center = of_center[0]
    gate = seen[:, np.array(rule.fields) == 4].any(axis=1)
    pull = abs(int(rule.bias_out[real]) + written[real, gate].sum())
    return Pair(
        gain=int(rule.weights_in[center, carriers, 1, 1].sum()),
        own=written[real, center],
        turn=written[imaginary, center],
        most=np.abs(np.delete(written[real] * ~gate, [center, center + 1])).sum() + pull,
    )


@pytest.mark.parametrize("name", UNCOUPLED)
def test_the_turn_is_above_everything_else_together(name: str) -> None:
    swallowed = 0
    for rule in rules_of(name, 300):
        pair = pair_of(rule, UNCOUPLED[name])
        assert abs(pair.turn) >= least_turn(pair.gain, pair.own, [(pair.most, 0)], 0)
        assert pair.margin() > 0
        swallowed += pair.margin() <= 2 ** (rule.scalars.residual_shift - 5)
    assert swallowed <= 3


def step_without_noise(spec: Recipe, by_field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A state (fields, height, width) and the one after it, both by channel."""
    state = by_field[spec.fields]
    return state, integer_reference.step(state, spec, noise=0)


def any_state(rule: Rule, seed: int) -> np.ndarray:
    """Corners, uniform values and calm cells side by side: (fields, 24, 24); marks are everywhere."""
    random = np.random.default_rng(seed)
    size = (max(rule.fields) + 1, 24, 24)
    corners, uniform = 1024 * random.choice([-1, 1], size), random.integers(-1024, 1025, size)
    state = np.where(random.random(size) < random.random(), corners, uniform)
    if max(rule.fields) == 4:
        state[4] = 1024
    return state


@pytest.mark.parametrize("name", UNCOUPLED)
@settings(max_examples=25)
@given(index=word, seed=word)
def test_no_cell_rests_that_saturates_both_units(name: str, index: int, seed: int) -> None:
    rule, spec = rule_of(name, 11, index), specified(name, 11, index)
    a = UNCOUPLED[name]
    pair, shift = pair_of(rule, a), rule.scalars.residual_shift
    by_field = any_state(rule, seed)
    before, after = step_without_noise(spec, by_field)
    real, imaginary = spec.fields.index(a), spec.fields.index(a + 1)
    rests = (before[real] == after[real]) & (before[imaginary] == after[imaginary])
    saturated = np.abs(by_field[a : a + 2]) * pair.gain >= 64 * 1024
    assert saturated.all(axis=0).any()
    if pair.margin() > 2 ** (shift - 5):
        assert not (rests & saturated.all(axis=0)).any()
        if pair.own * pair.gain >= 4096:
            assert not (rests & saturated.any(axis=0)).any()


@pytest.mark.parametrize("name", COUPLED)
@settings(max_examples=25)
@given(index=word, seed=word)
def test_no_corner_rests_whatever_other_pairs_do(name: str, index: int, seed: int) -> None:
    rule, spec = rule_of(name, 12, index), specified(name, 12, index)
    by_field = any_state(rule, seed)
    before, after = step_without_noise(spec, by_field)
    for a in range(0, max(spec.fields), 2):
        real, imaginary = spec.fields.index(a), spec.fields.index(a + 1)
        at_a_corner = (np.abs(by_field[a : a + 2]) == 1024).all(axis=0)
        rests = (before[real] == after[real]) & (before[imaginary] == after[imaginary])
        assert not (at_a_corner & rests).any()


def test_with_less_turn_a_cell_may_rest() -> None:
    """The control: the same rules without a turn rest at some corner."""
    resting = 0
    for index in range(20):
        rule, spec = rule_of("spirals", 11, index), specified("spirals", 11, index)
        fields = np.array(spec.fields)
        spec.w2[fields == 1, 0] = spec.w2[fields == 0, 1] = 0
        before, after = step_without_noise(spec, any_state(rule, index))
        resting += (before == after).all(axis=0).any()
    assert resting > 0


@given(
    gain=st.integers(96, 256),
    own=st.integers(0, 141),
    around=st.lists(st.tuples(st.integers(-64, 64), st.integers(-64, 64)), max_size=3),
    pull=st.integers(0, 12),
)
def test_the_least_turn_is_the_specifications(gain: int, own: int, around: list[tuple[int, int]], pull: int) -> None:
    most = sum(abs(real) + abs(imaginary) for real, imaginary in around) + pull
    least = least_turn(gain, own, around, pull)
    assert least >= own + most - 4096 / gain
    assert least >= most
    assert least in (own + most - 4096 // gain, most, 8)


def test_angles_lie_on_a_circle_of_64_15_degrees_apart() -> None:
    radians = np.deg2rad(15 * np.arange(6))
    np.testing.assert_array_equal(ANGLES, np.rint(64 * np.stack([np.cos(radians), np.sin(radians)], axis=1)))


def test_the_first_neighbors_of_a_flow_are_seen_through_a_gradient() -> None:
    for rule in rules_of("flow", 50):
        signs = np.sign(rule.weights_in[2, np.array(rule.fields) == 0].sum(axis=0))
        assert np.array_equal(signs, -signs[::-1]) or np.array_equal(signs, -signs[:, ::-1])


@pytest.mark.parametrize(("name", "pairs"), [("domains", {2}), ("waves", {1, 2}), ("turbulence", {1, 2})])
def test_media_have_one_pair_of_fields_or_two(name: str, pairs: set[int]) -> None:
    assert {(max(rule.fields) + 1) // 2 for rule in rules_of(name, 60)} == pairs


def test_a_medium_without_others_reads_its_own_fields_alone() -> None:
    for rule in rules_of("spirals", 50):
        fields = np.array(rule.fields)
        for unit in np.flatnonzero(np.abs(rule.weights_in).sum(axis=(1, 2, 3))):
            assert len(set(fields[np.abs(rule.weights_in[unit]).sum(axis=(1, 2)) > 0])) == 1
