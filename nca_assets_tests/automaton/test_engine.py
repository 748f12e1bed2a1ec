"""Many rollouts: in order, the same bytes for any number of threads and any memory, and never too far ahead."""

import logging
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nca_assets.automaton import in_order
from nca_assets.automaton.engine import Machine, simulate_each, simulate_on_gpu
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import Rule, draw_rule
from nca_assets.errors import NcaError
from nca_assets.shards.manifest import rollout_digest
from nca_assets_tests.automaton import torch_reference
from nca_assets_tests.automaton.rules import names, rule_of_shape, word

side = st.integers(8, 48)
rules = st.builds(rule_of_shape, names, word, word, side, side)
CPU = Machine("cpu", threads=2, memory=2**30)


def digest_of(_: Rule, tokens: np.ndarray) -> str:
    return rollout_digest(tokens)


@settings(max_examples=25)
@given(batch=st.lists(rules, max_size=7), frames=st.integers(1, 5), threads=st.integers(1, 4))
def test_digests_are_the_references_in_the_order_of_the_rules(
    centroids: torch.Tensor, batch: list[Rule], frames: int, threads: int
) -> None:
    digests = list(simulate_each(batch, centroids, frames, Machine("cpu", threads, 2**30), digest_of))
    assert digests == [rollout_digest(torch_reference.simulate([rule], centroids, frames)[0].numpy()) for rule in batch]


@pytest.mark.parametrize(("memory", "ahead"), [(2**30, 2 * in_order.ROLLOUTS_PER_THREAD), (3 * 2 * 8 * 8, 3), (1, 1)])
def test_it_holds_a_few_rollouts_and_no_more_than_the_memory_allows(
    centroids: torch.Tensor, memory: int, ahead: int
) -> None:
    drawn = 0

    def drawing() -> Iterator[Rule]:
        nonlocal drawn
        for index in range(100):
            drawn += 1
            yield rule_of_shape("plain", 1, index, 8, 8)

    machine = Machine("cpu", 2, memory)
    results = simulate_each(drawing(), centroids, 2, machine, lambda rule, _: rule.scalars.index)
    assert [next(results) for _ in range(10)] == list(range(10))
    assert drawn == 9 + ahead
    results.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert drawn == 9 + ahead


def test_work_runs_beside_the_simulation(centroids: torch.Tensor) -> None:
    names = set(
        simulate_each([draw_rule(Population(1), 0)] * 4, centroids, 2, CPU, lambda *_: threading.current_thread().name)
    )
    assert threading.current_thread().name not in names


def test_a_failure_of_the_work_is_the_callers(centroids: torch.Tensor) -> None:
    def fail(rule: Rule, _: np.ndarray) -> None:
        if rule.scalars.index == 2:
            raise OSError("no space")

    done = simulate_each((draw_rule(Population(1), index) for index in range(50)), centroids, 2, CPU, fail)
    assert next(done) is next(done) is None
    with pytest.raises(OSError, match="no space"):
        list(done)


class SmallGpu:
    """A stand-in for the kernel: a GPU whose memory holds so many tokens, of the batch and those still to be read."""

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.batches: list[int] = []

    def simulate_batch(
        self, rules: list[Rule], centroids: torch.Tensor, frames: int, _: str, flips: None
    ) -> torch.Tensor:
        assert flips is None
        if sum(frames * rule.shape[0] * rule.shape[1] for rule in rules) > self.memory:
            raise torch.OutOfMemoryError
        self.batches.append(len(rules))
        return torch.cat([torch_reference.simulate([rule], centroids, frames).flatten() for rule in rules])


@pytest.fixture
def small_gpu(monkeypatch: pytest.MonkeyPatch) -> SmallGpu:
    fused = pytest.importorskip("nca_assets.automaton.fused", reason="Triton is for Linux alone")
    gpu = SmallGpu(memory=2**30)
    monkeypatch.setattr(fused, "simulate_batch", gpu.simulate_batch)
    return gpu


EIGHT = [draw_rule(Population(1), index) for index in (0, 96, 1, 352, 225, 2, 353, 97)]


def tokens_on_gpu(centroids: torch.Tensor, machine: Machine) -> list[str]:
    done = list(simulate_on_gpu(EIGHT, centroids, 3, machine))
    assert [rule for rule, _ in done] == EIGHT
    return [rollout_digest(tokens) for _, tokens in done]


@pytest.mark.parametrize(("memory", "batches"), [(2**30, [8]), (3 * 2 * 500, [3, 2, 3]), (1, [1] * 8)])
def test_a_batch_takes_half_of_the_memory(
    centroids: torch.Tensor, small_gpu: SmallGpu, memory: int, batches: list[int]
) -> None:
    expected = list(simulate_each(EIGHT, centroids, 3, CPU, digest_of))
    assert tokens_on_gpu(centroids, Machine("cpu", 1, memory)) == expected
    assert small_gpu.batches == batches


def test_out_of_memory_halves_the_batch_and_says_so(
    centroids: torch.Tensor, small_gpu: SmallGpu, caplog: pytest.LogCaptureFixture
) -> None:
    small_gpu.memory = 3 * 500
    expected = list(simulate_each(EIGHT, centroids, 3, CPU, digest_of))
    with caplog.at_level(logging.WARNING):
        assert tokens_on_gpu(centroids, CPU) == expected
    assert sum(small_gpu.batches) == 8
    assert len(small_gpu.batches) > 1
    assert caplog.messages[0] == "cpu is out of memory with 8 rollouts: halving"
    assert len(caplog.messages) <= 3


def test_a_rollout_that_does_not_fit_by_itself_is_an_error(centroids: torch.Tensor, small_gpu: SmallGpu) -> None:
    small_gpu.memory = 3 * 200
    with pytest.raises(NcaError, match=r"hold a single rollout of 3 frames on a grid of 12 x 19: .*cpu"):
        tokens_on_gpu(centroids, CPU)


def flip_a_few_cells(rule: Rule) -> Flip:
    return Flip(frame=1, y=rule.shape[0] // 2, x=1)


def test_twins_come_from_the_same_rules(centroids: torch.Tensor) -> None:
    digests = list(simulate_each(EIGHT, centroids, 3, CPU, digest_of, flip_a_few_cells))
    expected = [
        torch_reference.simulate([rule], centroids, 3, flip=flip_a_few_cells(rule))[0].numpy() for rule in EIGHT
    ]
    assert digests == [rollout_digest(tokens) for tokens in expected]
    assert digests != list(simulate_each(EIGHT, centroids, 3, CPU, digest_of))


@pytest.mark.slow
def test_twins_on_the_gpu_are_those_of_the_cpu(centroids: torch.Tensor) -> None:
    pytest.importorskip("nca_assets.automaton.fused", reason="Triton is for Linux alone")
    machine = Machine("cuda" if torch.cuda.is_available() else "cpu", 2, 2**20)
    on_gpu = [
        rollout_digest(tokens) for _, tokens in simulate_on_gpu(EIGHT[:3], centroids, 3, machine, flip_a_few_cells)
    ]
    assert on_gpu == list(simulate_each(EIGHT[:3], centroids, 3, CPU, digest_of, flip_a_few_cells))


@pytest.mark.slow
def test_the_real_kernel_through_the_engine(centroids: torch.Tensor) -> None:
    pytest.importorskip("nca_assets.automaton.fused", reason="Triton is for Linux alone")
    on_gpu = torch.cuda.is_available()
    machine = Machine("cuda" if on_gpu else "cpu", threads=2, memory=3 * 2 * 200)
    assert tokens_on_gpu(centroids, machine) == list(simulate_each(EIGHT, centroids, 3, CPU, digest_of))
