"""Many rollouts at full speed: simulated on the machine's device while threads work on finished ones.

Here: batches, threads, memory. Not here: the dynamics (``compiled`` for the CPU, ``fused`` for a GPU).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton import compiled
from nca_assets.automaton.device import choose_device
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.in_order import ROLLOUTS_PER_THREAD, in_order, threads_of
from nca_assets.automaton.recipe import Rule
from nca_assets.errors import DeviceError, NcaError
from nca_assets.settings import Resources

log = logging.getLogger(__name__)

Tokens = NDArray[np.uint8]
Result = TypeVar("Result")

ROLLOUTS_PER_LAUNCH = 2048
"""Limit on a batch, however small the grids."""


@dataclass(frozen=True)
class Machine:
    """Resources to use: a torch device, CPU threads, and bytes of memory for tokens in flight."""

    device: str
    threads: int
    memory: int


def choose_machine(resources: Resources) -> Machine:
    """The machine described by ``resources``. Raises ``NcaError`` if its device is missing."""
    return Machine(choose_device(resources.device), resources.threads, resources.memory_mb * 2**20)


def simulate_each(
    rules: Iterable[Rule],
    centroids: Tensor,
    frames: int,
    machine: Machine,
    work: Callable[[Rule, Tokens], Result],
    flip: Callable[[Rule], Flip] | None = None,
) -> Iterator[Result]:
    """``work(rule, tokens)`` for each rule, in order; tokens are uint8 (frames, height, width), in [0, 32).

    With ``flip``, the rollouts are the replicas with that damage.

    ``work`` runs in threads. On a CPU, each thread simulates a rollout and then works on it; a GPU simulates the next
    batch while the last one is copied out and worked on. ``centroids`` is float32 (32, 16) in fixed point. Raises
    ``NcaError`` if the GPU can't hold a single rollout.
    """
    with threads_of(machine.threads) as pool:
        if machine.device == "cpu":
            futures = (
                (frames * _cells(rule), pool.submit(_simulate_and_work, rule, centroids, frames, work, flip))
                for rule in rules
            )
        else:
            tokens = _failures_of(machine.device, simulate_on_gpu(rules, centroids, frames, machine, flip))
            futures = ((movie.size, pool.submit(work, rule, movie)) for rule, movie in tokens)
        yield from in_order(futures, machine.threads * ROLLOUTS_PER_THREAD, machine.memory)


def simulate_with_replicas(
    rules: Iterable[Rule],
    centroids: Tensor,
    frames: int,
    replica_frames: int,
    flip: Callable[[Rule], Flip],
    machine: Machine,
    work: Callable[[Rule, Tokens, Tokens], Result],
) -> Iterator[Result]:
    """``work(rule, tokens, replica)`` for each rule, in order: its rollout, and the first frames of its replica with
    the damage of ``flip``. Otherwise like ``simulate_each``."""
    if machine.device == "cpu":  # in one task, since two pools of threads would get in each other's way

        def simulate_replica(rule: Rule, tokens: Tokens) -> Result:
            return work(rule, tokens, compiled.simulate(rule, centroids, replica_frames, flip=flip(rule)))

        return simulate_each(rules, centroids, frames, machine, simulate_replica)
    waiting: dict[int, Tokens] = {}

    def simulated() -> Iterator[Rule]:
        for rule, tokens in simulate_on_gpu(rules, centroids, frames, machine):
            waiting[rule.scalars.index] = tokens
            yield rule

    def join(rule: Rule, replica: Tokens) -> Result:
        return work(rule, waiting.pop(rule.scalars.index), replica)

    return simulate_each(simulated(), centroids, replica_frames, machine, join, flip)


def _simulate_and_work(
    rule: Rule,
    centroids: Tensor,
    frames: int,
    work: Callable[[Rule, Tokens], Result],
    flip: Callable[[Rule], Flip] | None,
) -> Result:
    return work(rule, compiled.simulate(rule, centroids, frames, flip=flip and flip(rule)))


def simulate_on_gpu(
    rules: Iterable[Rule],
    centroids: Tensor,
    frames: int,
    machine: Machine,
    flip: Callable[[Rule], Flip] | None = None,
) -> Iterator[tuple[Rule, Tokens]]:
    """Each rule with its tokens, in order. A batch takes half of ``machine.memory``, so that two can be in flight.

    A batch that does not fit in the GPU's memory is halved, which also limits later ones.
    """
    source, waiting, under_way = iter(rules), deque[Rule](), deque[_Batch]()
    cells = machine.memory // 2 // frames
    while True:
        waiting.extend(islice(source, ROLLOUTS_PER_LAUNCH - len(waiting)))
        if not waiting:
            break
        batch = _first_that_fit(waiting, cells)
        try:
            under_way.append(_Batch(batch, centroids, frames, machine.device, flip))
        except torch.OutOfMemoryError as error:
            if len(batch) == 1 and not under_way:
                raise _too_large(batch[0], frames, machine.device) from error
            log.warning("%s is out of memory with %d rollouts: halving", machine.device, len(batch))
            cells = sum(_cells(rule) for rule in batch) // 2
            most_under_way = 0
        else:
            for _ in batch:
                waiting.popleft()
            most_under_way = 1
        if len(under_way) > most_under_way:
            yield from under_way.popleft().results()
    while under_way:
        yield from under_way.popleft().results()


def simulate_kept(rules: Iterable[Rule], centroids: Tensor, frames: int, machine: Machine) -> Iterator[Tensor]:
    """The tokens of each rule, in order, as tensors that stay on the GPU: uint8 (frames, height, width).

    Raises ``NcaError`` if a batch, half of ``machine.memory``, does not fit on the GPU.
    """
    from nca_assets.automaton import fused

    source, waiting = iter(rules), deque[Rule]()
    while True:
        waiting.extend(islice(source, ROLLOUTS_PER_LAUNCH - len(waiting)))
        if not waiting:
            break
        batch = _first_that_fit(waiting, machine.memory // 2 // frames)
        try:
            tokens = fused.simulate_batch(batch, centroids, frames, machine.device, None)
        except torch.OutOfMemoryError as error:
            raise NcaError(f"{machine.device} is out of memory: lower NCA_MEMORY_MB") from error
        for rule, movie in zip(batch, tokens.split([frames * _cells(rule) for rule in batch]), strict=True):
            waiting.popleft()
            yield movie.view(frames, *rule.shape)


def _failures_of(device: str, batches: Iterator[tuple[Rule, Tokens]]) -> Iterator[tuple[Rule, Tokens]]:
    """``batches``, with failures of CUDA, seldom the program's fault, as ``DeviceError``."""
    try:
        yield from batches
    except RuntimeError as error:
        if "CUDA" not in str(error):
            raise
        raise DeviceError(f"{device} failed: {str(error).splitlines()[0]}. Look at nvidia-smi.") from error


def _cells(rule: Rule) -> int:
    return rule.shape[0] * rule.shape[1]


def _too_large(rule: Rule, frames: int, device: str) -> NcaError:
    height, width = rule.shape
    return NcaError(
        f"{device} can't hold a single rollout of {frames} frames on a grid of {height} x {width}: "
        "free memory, or set NCA_DEVICE=cpu"
    )


def _first_that_fit(rules: Iterable[Rule], cells: int) -> list[Rule]:
    """The first of ``rules``, and as many more as fit in ``cells`` cells in total."""
    fitting: list[Rule] = []
    for rule in rules:
        cells -= _cells(rule)
        if fitting and cells < 0:
            break
        fitting.append(rule)
    return fitting


class _Batch:
    """A launch of the GPU's kernel, followed by the copy of its tokens to the host."""

    def __init__(
        self,
        rules: list[Rule],
        centroids: Tensor,
        frames: int,
        device: str,
        flip: Callable[[Rule], Flip] | None,
    ) -> None:
        from nca_assets.automaton import fused

        on_gpu = device.startswith("cuda")
        self.rules, self.frames, self.copied = rules, frames, None
        with torch.cuda.device(device) if on_gpu else nullcontext():
            flips = [flip(rule) for rule in rules] if flip else None
            tokens = fused.simulate_batch(rules, centroids, frames, device, flips)
            self.tokens = torch.empty(tokens.shape, dtype=tokens.dtype, pin_memory=on_gpu)
            if not on_gpu:
                self.tokens.copy_(tokens)
                return
            copies = torch.cuda.Stream()
            copies.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(copies):
                self.tokens.copy_(tokens, non_blocking=True)
                self.copied = copies.record_event()
            tokens.record_stream(copies)

    def results(self) -> Iterator[tuple[Rule, Tokens]]:
        """Each rule with its tokens, once they are copied."""
        if self.copied:
            self.copied.synchronize()
        sizes = [self.frames * _cells(rule) for rule in self.rules]
        for rule, tokens in zip(self.rules, self.tokens.split(sizes), strict=True):
            yield rule, tokens.view(self.frames, *rule.shape).numpy()
