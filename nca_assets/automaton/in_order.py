"""Results of threads in order of submission, within limits of number and memory."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")

ROLLOUTS_PER_THREAD = 3
"""Rollouts in memory per thread: being simulated, worked on, or done and waiting for a slower one before them."""


@contextmanager
def threads_of(number: int) -> Iterator[ThreadPoolExecutor]:
    """Threads for a generator. When it ends, tasks that have not begun are canceled, and running ones are not awaited.

    A generator that was left before its end is collected in any thread at any point, even within the code that starts a
    thread: it would wait for ever for a lock that its own thread holds.
    """
    pool = ThreadPoolExecutor(number)
    try:
        yield pool
    finally:
        if not sys.is_finalizing():  # by then the pool's own module may be gone
            pool.shutdown(wait=False, cancel_futures=True)


def in_order(futures: Iterator[tuple[int, Future[Result]]], most: int, memory: int) -> Iterator[Result]:
    """The results of ``futures``, which come with their sizes in bytes, in order of submission.

    At most ``most`` are pending, and only as many as leave room in ``memory`` bytes for another of the largest size.
    """
    waiting: deque[tuple[int, Future[Result]]] = deque()
    for sized in futures:
        waiting.append(sized)
        while waiting and (len(waiting) >= most or _bytes_with_one_more(waiting) > memory):
            yield waiting.popleft()[1].result()
    while waiting:
        yield waiting.popleft()[1].result()


def _bytes_with_one_more(waiting: Iterable[tuple[int, object]]) -> int:
    sizes = [size for size, _ in waiting]
    return sum(sizes) + max(sizes)
