"""A loader's rate, measured in a separate process."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import psutil
import torch
from peers import Batches


def alone(work: Callable[[], Any]) -> Any:
    """The result of ``work``, run in a separate process."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_send, args=(work, theirs))
    process.start()
    theirs.close()
    result = ours.recv()
    process.join()
    return result


def _send(work: Callable[[], Any], to: Connection) -> None:
    torch.set_num_threads(1)
    to.send(work())
    os._exit(0)  # without waiting for libraries' threads


def run(batches: Batches, seconds: float) -> tuple[float, float]:
    """Transitions per second, and per CPU second of the process and its children, over ``seconds`` of CPU time, after a
    warm-up of the same length in which memory grows."""
    take(batches, seconds)
    began, began_cpu = time.perf_counter(), cpu_time()
    taken = take(batches, seconds)
    return taken / (time.perf_counter() - began), taken / (cpu_time() - began_cpu)


def take(batches: Batches, seconds: float) -> int:
    """The number of transitions in ``seconds`` of CPU time."""
    began, taken = cpu_time(), 0
    while cpu_time() - began < seconds:  # a look at the children's time costs milliseconds
        taken += sum(len(batch) for batch in itertools.islice(batches, 1000))
    return taken


def cpu_time() -> float:
    """CPU seconds of this process and its living children."""
    this = psutil.Process()
    times = [process.cpu_times() for process in [this, *this.children(recursive=True)]]
    return sum(each.user + each.system for each in times)
