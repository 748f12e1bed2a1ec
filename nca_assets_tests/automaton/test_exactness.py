"""The same rollouts, bit for bit, however they are computed; and the float control that shows this is no accident."""

import hashlib
import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from torch import Tensor

from nca_assets.automaton import compiled
from nca_assets.automaton.families.catalog import FAMILIES
from nca_assets.automaton.fixed_point import STATE_ONE
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_rule
from nca_assets.shards.manifest import rollout_digest
from nca_assets_tests.automaton import integer_reference
from nca_assets_tests.automaton.integer_families import recipe
from nca_assets_tests.automaton.rules import populations, specified_of, word
from nca_assets_tests.automaton.torch_reference import (
    Convolution,
    assign_tokens,
    grouped_convolution,
    hidden_states,
    matrix_convolution,
    simulate,
)
from nca_assets_tests.conftest import GOLDEN

# Rollouts of set1, of every family and kind of start, with five shapes: 8x8, 22x9, 15x15, 12x19 and 10x10.
BLOCKS = {
    0: (1, 8, 11),
    96: (101, 105, 107, 114, 122),
    224: (224, 225, 228, 249),
    352: (352, 363, 369),
    896: (913,),
}
ROLLOUTS = [index for chosen in BLOCKS.values() for index in chosen]

Outcome = dict[int, tuple[str, str]]
"""Of each rollout, the digest of its tokens and of its last state."""


def batch_of_eight(frames: int, centroids: Tensor, **options: Any) -> Outcome:
    """Each shape's rollouts, simulated within a batch of eight neighbors."""
    outcome: Outcome = {}
    for first, chosen in BLOCKS.items():
        batch = [*chosen, *(i for i in range(first, first + 32) if i not in chosen)][:8]
        outcome |= simulated(batch, frames, centroids, **options)
    return {index: outcome[index] for index in ROLLOUTS}


def one_by_one(frames: int, centroids: Tensor) -> Outcome:
    outcome: Outcome = {}
    for index in ROLLOUTS:
        outcome |= simulated([index], frames, centroids)
    return outcome


def simulated(
    indices: list[int],
    frames: int,
    centroids: Tensor,
    dtype: torch.dtype = torch.float32,
    convolve: Convolution = grouped_convolution,
) -> Outcome:
    rules = [draw_rule(Population(1), index) for index in indices]
    tokens, state = [], torch.empty(0)
    for state in hidden_states(rules, frames, dtype=dtype, convolve=convolve):
        tokens.append(assign_tokens(state, centroids))
    stacked = torch.stack(tokens, dim=1).numpy()
    return {i: (rollout_digest(t), state_digest(s)) for i, t, s in zip(indices, stacked, state, strict=True)}


def compiled_for_the_cpu(frames: int, centroids: Tensor) -> Outcome:
    outcome: Outcome = {}
    for index in ROLLOUTS:
        rule = draw_rule(Population(1), index)
        *_, last = compiled.hidden_states(rule, frames)
        state = torch.from_numpy(last.transpose(2, 0, 1) / STATE_ONE)
        outcome[index] = rollout_digest(compiled.simulate(rule, centroids, frames)), state_digest(state)
    return outcome


def by_specification(frames: int, centroids: Tensor) -> Outcome:
    units = (centroids.double() * STATE_ONE).numpy()
    outcome: Outcome = {}
    for index in ROLLOUTS:
        states = integer_reference.states(recipe(1, index), frames)
        last = torch.from_numpy(states[-1] / STATE_ONE)
        outcome[index] = rollout_digest(integer_reference.tokens(states, units)), state_digest(last)
    return outcome


def state_digest(state: Tensor) -> str:
    units = (state.double() * STATE_ONE).numpy()
    assert (units == units.round()).all()
    return hashlib.sha256(units.astype("<i2").tobytes()).hexdigest()


@pytest.mark.parametrize("frames", [30, pytest.param(500, marks=pytest.mark.long)])
@pytest.mark.usefixtures("threads")
def test_every_way_of_computing_gives_the_same_bits(frames: int, centroids: Tensor) -> None:
    torch.set_num_threads(2)
    expected = batch_of_eight(frames, centroids)
    assert one_by_one(frames, centroids) == expected
    assert batch_of_eight(frames, centroids, dtype=torch.float64) == expected
    assert batch_of_eight(frames, centroids, convolve=matrix_convolution) == expected
    assert compiled_for_the_cpu(frames, centroids) == expected
    assert by_specification(frames, centroids) == expected
    torch.set_num_threads(1)
    assert batch_of_eight(frames, centroids) == expected


def test_the_rollouts_are_of_every_family_and_start() -> None:
    rules = [draw_rule(Population(1), index) for index in ROLLOUTS]
    assert {rule.scalars.family for rule in rules} == {family.name for family in FAMILIES}
    assert {rule.start.kind for rule in rules} == {"noise", "patches", "sparse", "seeds", "ground"}


@settings(max_examples=30)
@given(population=populations(largest=48), index=word)
@example(population=Population(1, smallest_side=4, largest_side=4), index=0)
@example(population=Population(1, smallest_side=128, largest_side=128), index=0)
@example(population=Population(1, (("plain", 1),), 128, 128), index=0)
def test_rollouts_of_any_population_are_the_specifications(
    centroids: Tensor, population: Population, index: int
) -> None:
    tokens = compiled.simulate(draw_rule(population, index), centroids, 4)
    states = integer_reference.states(specified_of(population, index), 4)
    np.testing.assert_array_equal(tokens, integer_reference.tokens(states, (centroids.double() * STATE_ONE).numpy()))


def test_golden_digests(centroids: Tensor) -> None:
    """These digests change only with the recipe's version, and then on purpose."""
    golden = json.loads((GOLDEN / "rollouts.json").read_text())
    assert {f"set1/{i:06d}": list(digests) for i, digests in compiled_for_the_cpu(500, centroids).items()} == golden


def test_without_fixed_point_the_bits_differ(centroids: Tensor) -> None:
    """The control: weights between the fixed-point steps, and batch 8 and float64 no longer agree."""

    def between_steps(values: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        return grouped_convolution(values, weights * 1.1, bias)

    single = batch_of_eight(60, centroids, convolve=between_steps)
    double = batch_of_eight(60, centroids, convolve=between_steps, dtype=torch.float64)
    assert single != double


def test_a_longer_rollout_begins_like_a_shorter_one(centroids: Tensor) -> None:
    rules = [draw_rule(Population(2), 7)]
    np.testing.assert_array_equal(simulate(rules, centroids, 25)[:, :10], simulate(rules, centroids, 10))


def test_ties_go_to_the_lowest_token(centroids: Tensor) -> None:
    """The zero state ties everywhere; a doubled centroid ties with its copy."""
    assert (assign_tokens(torch.zeros(1, 16, 3, 3), centroids) == 0).all()
    doubled = centroids.clone()
    doubled[20] = doubled[4]
    state = doubled[20].reshape(1, 16, 1, 1).expand(1, 16, 9, 9)
    assert (assign_tokens(state, doubled) == 4).all()
