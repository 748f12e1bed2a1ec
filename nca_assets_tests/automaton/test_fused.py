"""The GPU's kernel is the CPU's engine, byte for byte: on a GPU where there is one, else in Triton's interpreter."""

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nca_assets.automaton import compiled
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.population import MAX_SIDE, MIN_SIDE, Population
from nca_assets.automaton.recipe import Rule, draw_rule
from nca_assets_tests.automaton.rules import names, rule_of_shape, word
from nca_assets_tests.automaton.test_compiled import rules_with_zeros

fused = pytest.importorskip("nca_assets.automaton.fused", reason="Triton is for Linux alone")

ON_GPU = torch.cuda.is_available()
DEVICE = "cuda" if ON_GPU else "cpu"

side = st.integers(MIN_SIDE, MAX_SIDE if ON_GPU else 14)
rules = st.builds(rule_of_shape, names, word, word, side, side)


def simulate(
    rules: list[Rule], centroids: torch.Tensor, frames: int, flips: list[Flip | None] | None = None
) -> list[np.ndarray]:
    tokens = fused.simulate_batch(rules, centroids, frames, DEVICE, flips).cpu()
    parts = tokens.split([frames * rule.shape[0] * rule.shape[1] for rule in rules])
    return [part.view(frames, *rule.shape).numpy() for part, rule in zip(parts, rules, strict=True)]


@pytest.mark.slow
@settings(max_examples=50 if ON_GPU else 8)
@given(batch=st.lists(rules, min_size=1, max_size=4), frames=st.integers(1, 4), tile=st.sampled_from([16, 64, 256]))
def test_any_mix_of_shapes_in_one_launch(centroids: torch.Tensor, batch: list[Rule], frames: int, tile: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused, "CELLS_PER_TILE", tile)
        for rule, tokens in zip(batch, simulate(batch, centroids, frames), strict=True):
            np.testing.assert_array_equal(tokens, compiled.simulate(rule, centroids, frames))


@pytest.mark.slow
def test_damage_is_done_to_the_rollouts_that_are_to_have_it(centroids: torch.Tensor) -> None:
    batch = [draw_rule(Population(1), index) for index in (0, 96, 225, 1)]
    flips = [Flip(0, 6, 6), None, Flip(3, 13, 8), Flip(2, 1, 3)]
    for rule, flip, tokens in zip(batch, flips, simulate(batch, centroids, 4, flips), strict=True):
        np.testing.assert_array_equal(tokens, compiled.simulate(rule, centroids, 4, flip=flip))


def test_a_flip_outside_its_rollout_is_refused(centroids: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="outside a rollout of 2 frames on a grid of 8 x 8"):
        simulate([draw_rule(Population(1), 0)], centroids, 2, [Flip(2, 1, 1)])


@pytest.mark.slow
@settings(max_examples=50 if ON_GPU else 8)
@given(batch=st.lists(rules_with_zeros, min_size=1, max_size=3))
def test_whatever_weights_are_zero(centroids: torch.Tensor, batch: list[Rule]) -> None:
    for rule, tokens in zip(batch, simulate(batch, centroids, 3), strict=True):
        np.testing.assert_array_equal(tokens, compiled.simulate(rule, centroids, 3))


def test_a_tap_whose_weights_are_zero_is_not_even_read(
    centroids: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No number is left in their place, which would spoil every sum it were in."""
    batch = [with_taps(0, [1, 5], [4]), with_taps(96, [], [0, 8]), draw_rule(Population(1), 1)]
    prepare = fused._inputs

    def spoiled(*arguments: Any) -> tuple[torch.Tensor, ...]:
        weights, *others = prepare(*arguments)
        weights[(weights == 0).all(dim=(3, 4))] = torch.nan
        assert weights.isnan().any(dim=(3, 4)).sum(dim=2).max() == 9
        return weights, *others

    monkeypatch.setattr(fused, "_inputs", spoiled)
    for rule, tokens in zip(batch, simulate(batch, centroids, 3), strict=True):
        np.testing.assert_array_equal(tokens, compiled.simulate(rule, centroids, 3))


def with_taps(index: int, taps_in: list[int], taps_out: list[int]) -> Rule:
    """A drawn rule with the weights of these taps alone."""
    rule = draw_rule(Population(1), index)
    kept_in, kept_out = (np.isin(np.arange(9), taps).reshape(3, 3).astype(np.int16) for taps in (taps_in, taps_out))
    return dataclasses.replace(rule, weights_in=rule.weights_in * kept_in, weights_out=rule.weights_out * kept_out)


@pytest.mark.slow
def test_hundreds_of_whole_rollouts_again_and_again(centroids: torch.Tensor) -> None:
    """On a GPU 256 rollouts of 500 frames a hundred times; the interpreter gets through two of ten frames once."""
    indices, frames, repeats = (range(0, 256 * 32, 32), 500, 100) if ON_GPU else ((0, 96), 10, 1)
    batch = [draw_rule(Population(1), index) for index in indices]
    expected = [compiled.simulate(rule, centroids, frames) for rule in batch]
    for _ in range(repeats):
        for ours, theirs in zip(simulate(batch, centroids, frames), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


COMPILE = """
import subprocess, sys, triton
from pathlib import Path
from triton.backends.compiler import GPUTarget
from nca_assets.automaton import fused

types = "*u8 *fp16 *fp16 i32 *fp16 *fp16 *i32 *fp32 *fp32 *i64 *fp16 i32 i32 constexpr".split()
names = fused._simulate.arg_names
source = triton.compiler.ASTSource(
    fused._simulate,
    signature=dict(zip(names, types, strict=True)),
    constexprs={(len(names) - 1,): fused.CELLS_PER_TILE},
    attrs={(i,): [["tt.divisibility", 16]] for i, kind in enumerate(types) if kind.startswith("*")},
)
options = dict(num_warps=fused.WARPS, num_stages=1, enable_fp_fusion=False)
kernel = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
binary = Path(sys.argv[1])
binary.write_bytes(kernel.asm["cubin"])
dump = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
usage = subprocess.run([dump, "--dump-resource-usage", binary], capture_output=True, text=True, check=True).stdout
print(kernel.asm["ptx"].count("wgmma.mma_async"), kernel.asm["ptx"].count("ld.global.nc"), usage.splitlines()[-1])
"""


@pytest.mark.slow
def test_it_compiles_for_an_h100_into_tensor_core_products_without_spilling(tmp_path) -> None:
    """No GPU is needed for that. State is read back after it was written, so no load may take the read-only path."""
    environment = {"PATH": "/usr/bin:/bin", "TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, str(tmp_path / "kernel.cubin")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    products, read_only, usage = done.stdout.split(maxsplit=2)
    # One product in the loop of each convolution, one for the scores of the initial state and one for those of a step.
    assert int(products) >= 4
    assert int(read_only) == 0
    assert "STACK:0" in usage
    assert "LOCAL:0" in usage
