"""The plan of an epoch's batches: a pure function of a source's shapes, a seed and an epoch.

Samples are drawn from blocks of adjacent rollouts with one grid shape. Blocks are shuffled, and a few at a time are
open with their batches mixed, so order is random both globally and locally, and memory is bounded. Ranks, and the
workers of each, take consecutive slices of the epoch's batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.philox import draw_words
from nca_assets.automaton.shape import SHAPE_BLOCK

BLOCK_ORDER, BATCH_ORDER, SAMPLE_ORDER = range(3)
"""Random number streams."""

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Blocks:
    """Runs of same-shaped rollouts in a source: ``first`` position, ``size`` in rollouts, ``frames``."""

    first: Integers
    size: Integers
    frames: Integers

    @classmethod
    def of(cls, places: NDArray[np.int64]) -> Blocks:
        """The blocks of rollouts given as rows (set, index, shard, frames, height, width) of ``places``."""
        alike = places.copy()
        alike[:, 1] //= SHAPE_BLOCK
        first = np.flatnonzero(np.r_[True, (alike[1:] != alike[:-1]).any(axis=1)])
        return cls(first, np.diff(np.r_[first, len(places)]), places[first, 3])


@dataclass(frozen=True)
class PlannedBatch:
    """A batch: its block, and its slice of the block's ordered samples."""

    block: int
    first: int
    stop: int


@dataclass(frozen=True)
class Plan:
    """The batches of an epoch. A block's samples are its rollouts' starts in order, ``starts`` per rollout."""

    blocks: Blocks
    starts: Integers
    batch_size: int
    seed: int
    epoch: int
    shuffle: bool
    blocks_open: int

    def __len__(self) -> int:
        return int(self._batches.sum())

    def slice(self, start: int, stop: int) -> Iterator[list[PlannedBatch]]:
        """The batches ``start`` to ``stop`` (exclusive), grouped by open blocks."""
        order = self._shuffled(len(self._batches), BLOCK_ORDER, 0)
        done = 0
        for window, first in enumerate(range(0, len(order), self.blocks_open)):
            opened = order[first : first + self.blocks_open]
            batches = int(self._batches[opened].sum())
            here = slice(max(0, start - done), max(0, min(batches, stop - done)))
            if here.start < here.stop:
                yield list(self._window(window, opened, here))
            done += batches
            if done >= stop:
                break

    def _window(self, window: int, opened: Integers, here: slice) -> Iterator[PlannedBatch]:
        block_of = np.repeat(opened, self._batches[opened])
        number_of = np.concatenate([np.arange(count) for count in self._batches[opened]])
        order = self._shuffled(len(block_of), BATCH_ORDER, window)[here]
        for block, number in zip(block_of[order].tolist(), number_of[order].tolist(), strict=True):
            first = number * self.batch_size
            yield PlannedBatch(block, first, min(first + self.batch_size, int(self._samples[block])))

    def samples(self, block: int) -> Integers:
        """The samples of ``block`` in batch order."""
        return self._shuffled(int(self._samples[block]), SAMPLE_ORDER, block)

    @cached_property
    def _samples(self) -> Integers:
        return self.blocks.size * self.starts

    @cached_property
    def _batches(self) -> Integers:
        return -(-self._samples // self.batch_size)

    def _shuffled(self, count: int, stream: int, step: int) -> Integers:
        """0 … count - 1 in random order, independent of NumPy's version."""
        if not self.shuffle:
            return np.arange(count)
        words = draw_words((self.seed, self.epoch), stream, step, -(-count // 4))
        return np.argsort(words.ravel()[:count], kind="stable")


def share(total: int, part: int, parts: int) -> tuple[int, int]:
    """(start, stop) of slice number ``part`` when ``total`` batches are divided into ``parts`` consecutive slices.

    If they can't be equal, the first ones are longer by one.
    """
    each, more = divmod(total, parts)
    start = part * each + min(part, more)
    return start, start + each + (part < more)
