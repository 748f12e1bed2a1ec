"""The engine against the plain way and against the machine's own limits, all in one run.

The plain way is what the original dataset's card describes: float32, one rollout at a time, a loop over its frames in
PyTorch. Here it has the same rules and width, and the best of several numbers of threads and processes.

The recipe's rules have weights that are zero throughout, and ours skips them; so it is measured on dense rules as well.

Run: ``python benchmarks/engine.py [--quick]``
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import torch
import torch.nn.functional as F
from report import Metric, report, seconds

from nca_assets.automaton.engine import Machine, simulate_each
from nca_assets.automaton.fixed_point import CHANNELS, TOKENS, WEIGHT_ONE
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import Rule, draw_initial_state, draw_rule
from nca_assets.automaton.shape import SHAPE_BLOCK
from nca_assets.settings import Resources, load
from nca_assets.vocabulary.learn import fit_centroids

MEANINGS = {
    "tokens_per_second": "ours on the recipe's mix of rules, noise and tokens included, all cores",
    "dense_tokens_per_second": "the same on rules without a weight of zero",
    "sparsity_ratio": "tokens/s, the recipe's mix over dense rules",
    "plain_tokens_per_second": "the plain float32 loop at its best number of threads and processes",
    "plain_loop_ratio": "tokens/s, ours over the plain loop's",
    "sgemm_gflops": "torch's float32 matrix product, all cores",
    "sgemm_share": "operations/s of our convolutions and scores on dense rules over those of the matrix product",
    "thread_scaling": "tokens/s of all threads over those of one",
    "gpu_tokens_per_second": "ours on the GPU",
    "gpu_plain_loop_ratio": "tokens/s, ours over the plain loop's, both on the GPU",
}

OPERATIONS_PER_TOKEN = 2 * (2 * 9 * CHANNELS * CHANNELS + TOKENS * CHANNELS)
"""A multiplication and an addition for each weight of two convolutions and each number of the centroids."""

CENTROIDS = fit_centroids(np.random.default_rng(0).normal(size=(4096, CHANNELS)))


def rules_of_many_shapes(count: int) -> list[Rule]:
    """One rollout from each of ``count`` blocks: as many shapes."""
    return [draw_rule(Population(seed=1), index=block * SHAPE_BLOCK) for block in range(count)]


def dense(rule: Rule, largest: int = 32) -> Rule:
    """``rule`` with other weights: from 1 to ``largest`` in magnitude, none of them 0."""
    random = np.random.default_rng(rule.scalars.index)
    shape = (2, *rule.weights_in.shape)
    weights = (random.integers(1, largest + 1, shape) * random.choice([-1, 1], shape)).astype(np.int16)
    return replace(rule, weights_in=weights[0], weights_out=weights[1])


def cells(rules: list[Rule]) -> int:
    """The cells of one frame of all rules' grids."""
    return sum(rule.shape[0] * rule.shape[1] for rule in rules)


def ours(rules: list[Rule], frames: int, machine: Machine) -> float:
    """Tokens per second."""
    work = seconds(lambda: sum(simulate_each(rules, CENTROIDS, frames, machine, size_of)), repeats=5)
    return cells(rules) * frames / work


def size_of(_: Rule, tokens: np.ndarray) -> int:
    """How many tokens there are."""
    return tokens.size


def plain_loop(rule: Rule, frames: int, device: str = "cpu") -> np.ndarray:
    """One rollout the plain way: uint8 (frames, height, width)."""
    scalars = rule.scalars
    weights_in, weights_out = (
        torch.from_numpy(w / WEIGHT_ONE).float().to(device) for w in (rule.weights_in, rule.weights_out)
    )
    bias_in, bias_out = (torch.from_numpy(b / WEIGHT_ONE).float().to(device) for b in (rule.bias_in, rule.bias_out))
    centroids = CENTROIDS.to(device)
    state = torch.from_numpy(draw_initial_state(rule).transpose(2, 0, 1)[None] / 1024).float().to(device)
    scale, noise = 2.0**-scalars.residual_shift, 255 * 2.0**-scalars.noise_shift
    tokens = torch.empty((frames, *rule.shape), dtype=torch.uint8, device=device)
    for frame in range(frames):
        if frame:
            hidden = F.conv2d(F.pad(state, (1, 1, 1, 1), mode="circular"), weights_in, bias_in).clamp_(-1, 1)
            update = F.conv2d(F.pad(hidden, (1, 1, 1, 1), mode="circular"), weights_out, bias_out)
            update -= scalars.leak / WEIGHT_ONE * state
            state = (state + scale * update + noise * (2 * torch.rand_like(state) - 1)).clamp_(-1, 1)
        tokens[frame] = torch.einsum("chw,kc->khw", state[0], centroids).argmax(dim=0)
    return tokens.cpu().numpy()


def plain_rate(rules: list[Rule], frames: int, processes: int, threads: int) -> float:
    """Tokens per second of the plain loop in so many processes of so many threads."""
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(threads,)
    ) as pool:
        list(pool.map(plain_loop, rules[:processes], [2] * processes))  # imports and first calls, untimed
        started = time.perf_counter()
        list(pool.map(plain_loop, rules, [frames] * len(rules)))
        return cells(rules) * frames / (time.perf_counter() - started)


def sgemm_gflops(size: int = 2048) -> float:
    """Billions of operations a second of a float32 matrix product."""
    left, right = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / seconds(lambda: left @ right, repeats=8) / 1e9


def on_the_gpu(rules: list[Rule], frames: int, machine: Machine) -> list[Metric]:
    """The GPU's figures: thousands of rollouts in flight for ours, one at a time for the plain loop."""
    rate = ours(rules * 16, frames, Machine("cuda", machine.threads, 8 * 2**30))
    plain_loop(rules[0], 2, "cuda")
    started = time.perf_counter()
    plain_loop(rules[0], frames, "cuda")
    plain = cells(rules[:1]) * frames / (time.perf_counter() - started)
    return [
        Metric("engine", "gpu_tokens_per_second", rate, "tokens/s"),
        Metric("engine", "gpu_plain_loop_ratio", rate / plain, "x"),
    ]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer rollouts of the plain loop; under 50 s on two cores"
    )
    quick = parser.parse_args().quick
    frames, rules = 500, rules_of_many_shapes(48)
    fewer = rules[: 12 if quick else 48]
    threads = load(Resources).threads
    all_cores, one_core = Machine("cpu", threads, 2**30), Machine("cpu", 1, 2**30)
    ours(rules[:1], 2, one_core)
    rate, single = ours(rules, frames, all_cores), ours(rules, frames, one_core)
    dense_rate = ours([dense(rule) for rule in rules], frames, all_cores)
    ways: list[Callable[[], float]] = [
        lambda: plain_rate(fewer, frames // 5, processes=1, threads=1),
        lambda: plain_rate(fewer, frames // 5, processes=1, threads=threads),
        lambda: plain_rate(fewer, frames // 5, processes=threads, threads=1),
    ]
    plain = max(way() for way in ways)
    gemm = sgemm_gflops()
    metrics = [
        Metric("engine", "tokens_per_second", rate, "tokens/s"),
        Metric("engine", "dense_tokens_per_second", dense_rate, "tokens/s"),
        Metric("engine", "sparsity_ratio", rate / dense_rate, "x"),
        Metric("engine", "plain_tokens_per_second", plain, "tokens/s"),
        Metric("engine", "plain_loop_ratio", rate / plain, "x"),
        Metric("engine", "sgemm_gflops", gemm, "GFLOP/s"),
        Metric("engine", "sgemm_share", dense_rate * OPERATIONS_PER_TOKEN / 1e9 / gemm, "share"),
        Metric("engine", "thread_scaling", rate / single, "x"),
    ]
    if torch.cuda.is_available():
        metrics += on_the_gpu(rules, frames, all_cores)
    report(metrics, MEANINGS)


if __name__ == "__main__":
    main()
