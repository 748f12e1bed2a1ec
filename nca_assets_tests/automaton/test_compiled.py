"""The CPU's engine equals the references, byte for byte: any shape, any start, damaged or not, on any processor."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nca_assets.automaton import compiled
from nca_assets.automaton.fixed_point import EXACT_LIMIT, STATE_ONE
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.jit import compiled as compile_for_cpu
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import Rule, draw_initial_state, draw_rule
from nca_assets_tests.automaton import torch_reference
from nca_assets_tests.automaton.rules import NAMES, names, rule_of, rule_of_shape, word

side = st.integers(8, 48)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(seed=word, index=word, height=side, width=side, frames=st.integers(1, 6))
def test_tokens_are_the_references(
    centroids: torch.Tensor, name: str, seed: int, index: int, height: int, width: int, frames: int
) -> None:
    rule = rule_of_shape(name, seed, index, height, width)
    tokens = compiled.simulate(rule, centroids, frames)
    assert tokens.dtype == np.uint8
    np.testing.assert_array_equal(tokens, torch_reference.simulate([rule], centroids, frames)[0])


def drawn_with_zeros(seed: int, bound: int) -> Rule:
    """A rule of which taps, channels and hidden units have no weights, in random places, and the others up to ``bound``
    in units of 1/64; or single weights that are as good as alone.
    """
    random = np.random.default_rng(seed)

    def weights() -> np.ndarray:
        kept = np.ones((16, 16, 3, 3), dtype=bool)
        for axes in ((0,), (1,), (2, 3), (0, 1), (0, 1, 2, 3)):
            mask_shape = [size if axis in axes else 1 for axis, size in enumerate(kept.shape)]
            kept &= random.random(mask_shape) < random.choice([0.05, 0.5, 1, 1])
        return np.where(kept, random.integers(-bound, bound + 1, kept.shape), 0).astype(np.int16)

    biases = random.integers(-bound, bound + 1, (2, 16)).astype(np.int16)
    height, width = random.integers(8, 20, 2).tolist()
    rule = rule_of_shape("plain", 5, seed, height, width)
    rule = dataclasses.replace(rule, weights_in=weights(), bias_in=biases[0], weights_out=weights(), bias_out=biases[1])
    return rule if rule.largest_sum() <= EXACT_LIMIT else drawn_with_zeros(seed, bound // 2)


rules_with_zeros = st.builds(drawn_with_zeros, word, st.sampled_from([1, 44, 2047]))


@given(rule=rules_with_zeros)
def test_whatever_weights_are_zero_the_states_are_the_references(rule: Rule) -> None:
    expected = torch_reference.hidden_states([rule], 4)
    for ours, theirs in zip(compiled.hidden_states(rule, 4), expected, strict=True):
        np.testing.assert_array_equal(ours.transpose(2, 0, 1), theirs[0] * STATE_ONE)


@pytest.mark.parametrize("layer", ["weights_in", "weights_out"])
@pytest.mark.parametrize("kept", [[], [0], [4], [8], [1, 3, 5, 7]])
def test_a_convolution_may_have_any_taps_or_none(centroids: torch.Tensor, layer: str, kept: list[int]) -> None:
    rule = rule_of("plain", 1, 33)
    weights = getattr(rule, layer) * np.isin(np.arange(9), kept).reshape(3, 3)
    rule = dataclasses.replace(rule, **{layer: weights.astype(np.int16)})
    expected = torch_reference.simulate([rule], centroids, 5)[0]
    np.testing.assert_array_equal(compiled.simulate(rule, centroids, 5), expected)


def products(rule: Rule) -> list[int]:
    """How many products the two convolutions sum, each of two channels, at one tap, for four outputs."""
    return [len(offsets) for _, offsets, _, _ in compiled._Run(rule, None).products[:2]]


def test_what_is_zero_throughout_is_not_summed() -> None:
    rule = rule_of_shape("plain", 1, 0, 12, 12)
    ones = np.ones((16, 16, 3, 3), dtype=np.int16)
    at_the_center, of_channels, of_units = (ones.copy() for _ in range(3))
    at_the_center[:, :, [0, 0, 0, 1, 1, 2, 2, 2], [0, 1, 2, 0, 2, 0, 1, 2]] = 0
    of_channels[:, 4:] = 0
    of_units[:, 3:] = 0

    def sums(weights_in: np.ndarray, weights_out: np.ndarray) -> list[int]:
        return products(dataclasses.replace(rule, weights_in=weights_in, weights_out=weights_out))

    assert sums(ones, ones) == [4 * 8 * 9, 4 * 8 * 9]
    assert sums(ones, at_the_center) == [4 * 8 * 9, 4 * 8]
    assert sums(of_channels, ones) == [4 * 2 * 9, 4 * 8 * 9]
    assert sums(ones, of_units) == [8 * 9, 4 * 2 * 9]
    assert sums(ones, 0 * ones) == [0, 0]


def test_units_that_see_the_same_taps_are_summed_together() -> None:
    """Every fourth unit sees the center alone, and the others all nine taps."""
    weights = np.ones((16, 16, 3, 3), dtype=np.int16)
    weights[::4] *= np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], dtype=np.int16)
    assert products(dataclasses.replace(rule_of("plain", 1, 0), weights_in=weights))[0] == 3 * 8 * 9 + 8


@given(
    name=names,
    index=word,
    shape=st.tuples(st.integers(3, 20), st.integers(3, 20)),
    frame=st.integers(0, 5),
    where=st.tuples(word, word),
)
def test_another_start_and_damage_are_the_references(
    centroids: torch.Tensor, name: str, index: int, shape: tuple[int, int], frame: int, where: tuple[int, int]
) -> None:
    """The start may be of any shape: a rule is not bound to its grid."""
    rule = rule_of(name, 2, index)
    start = draw_initial_state(rule_of_shape(name, 3, index, *shape))
    flip = Flip(frame, 1 + where[0] % (shape[0] - 2), 1 + where[1] % (shape[1] - 2))
    as_tensor = torch.from_numpy(start.transpose(2, 0, 1)[None] / STATE_ONE).float()
    expected = list(torch_reference.hidden_states([rule], 6, start=as_tensor, flip=flip))
    states = list(compiled.hidden_states(rule, 6, start, flip))
    for ours, theirs in zip(states, expected, strict=True):
        np.testing.assert_array_equal(ours.transpose(2, 0, 1), theirs[0] * STATE_ONE)
    tokens = [torch_reference.assign_tokens(state, centroids)[0].numpy() for state in expected]
    np.testing.assert_array_equal(compiled.simulate(rule, centroids, 6, start, flip), np.stack(tokens))


def test_a_twin_is_the_same_until_the_flip_and_damage_spreads_at_most_two_cells_a_step(centroids: torch.Tensor) -> None:
    rule = draw_rule(Population(1), 33)
    flip = Flip(frame=5, y=9, x=12)
    states, replicas = (np.stack(list(compiled.hidden_states(rule, 12, flip=f))) for f in (None, flip))
    damaged = (states != replicas).any(axis=3)
    assert not damaged[:5].any()
    assert np.argwhere(damaged[5]).tolist() == [[y, x] for y in (8, 9, 10) for x in (11, 12, 13)]
    np.testing.assert_array_equal(replicas[5, 8:11, 11:14], -states[5, 8:11, 11:14])
    for before, after in pairwise(damaged[5:]):
        reach = np.logical_or.reduce([np.roll(before, (dy, dx), (0, 1)) for dy in range(-2, 3) for dx in range(-2, 3)])
        assert not (after & ~reach).any()
    assert damaged[-1].sum() > 9
    tokens, replica_tokens = (compiled.simulate(rule, centroids, 12, flip=f) for f in (None, flip))
    assert (tokens[:5] == replica_tokens[:5]).all()
    assert (tokens != replica_tokens).any()


def test_the_start_is_left_alone_and_states_are_copies() -> None:
    rule = draw_rule(Population(1), 0)
    start = draw_initial_state(rule)
    before = start.copy()
    first, second = compiled.hidden_states(rule, 2, start)
    np.testing.assert_array_equal(start, before)
    assert (first != second).any()


@pytest.mark.parametrize(
    "start",
    [
        np.zeros((8, 8, 16), np.int32),
        np.zeros((8, 8, 15), np.int16),
        np.zeros((0, 8, 16), np.int16),
        np.zeros((8, 16), np.int16),
        np.full((8, 8, 16), 1025, np.int16),
    ],
)
def test_what_is_no_state_is_refused(centroids: torch.Tensor, start: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a state is int16 \(height, width, 16\) in ±1024, not"):
        compiled.simulate(draw_rule(Population(1), 0), centroids, 2, start)


@pytest.mark.parametrize("flip", [Flip(3, 1, 1), Flip(-1, 1, 1), Flip(0, 7, 1), Flip(0, 1, 7), Flip(0, 0, 1)])
def test_a_flip_with_a_cell_outside_the_rollout_is_refused(centroids: torch.Tensor, flip: Flip) -> None:
    with pytest.raises(ValueError, match="outside a rollout of 3 frames on a grid of 8 x 8"):
        compiled.simulate(draw_rule(Population(1), 0), centroids, 3, flip=flip)


GRIDS = """
import hashlib, torch
from pathlib import Path
from nca_assets.automaton.compiled import simulate
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_rule
from nca_assets.vocabulary.centroids import read_centroids
centroids = read_centroids(Path({centroids!r}))
content = b"".join(simulate(draw_rule(Population(1), i), centroids, 100).tobytes() for i in (1, 36, 105, 228, 352, 363))
print(hashlib.sha256(content).hexdigest())
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("processor", "features"), [("x86-64", ""), ("haswell", "+avx2,+fma,+avx,+sse4.2"), ("generic", "")]
)
def test_other_processors_give_the_same_bytes(
    centroids: torch.Tensor, tmp_path: os.PathLike[str], processor: str, features: str
) -> None:
    """Machine code as for processors without the widest vectors, or without the pairwise product."""
    from nca_assets_tests.conftest import GOLDEN

    settings = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    code = GRIDS.format(centroids=str(GOLDEN / "centroids.pt"))
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | settings, capture_output=True, text=True, check=True
    )
    rollouts = [
        compiled.simulate(draw_rule(Population(1), i), centroids, 100).tobytes() for i in (1, 36, 105, 228, 352, 363)
    ]
    assert done.stdout.strip() == hashlib.sha256(b"".join(rollouts)).hexdigest()


def test_machine_code_needs_no_folder_to_be_kept_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core import caching

    monkeypatch.setattr(caching.FunctionCache._impl_class, "_locator_classes", [])

    def doubled(number: int) -> int:
        return 2 * number

    assert compile_for_cpu(doubled)(21) == 42
