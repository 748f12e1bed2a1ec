"""The order of an epoch's samples: a pure function of a source's shapes, a seed and an epoch.

A sample is a rollout and a first frame, a batch has samples of one grid shape, and rollouts are read once an epoch:

- Blocks, runs of up to 32 neighbours with one grid, are shuffled. Those of one grid make *stacks* of rollouts.
- A stack deals its samples like cards: in each round, every rollout in random order gives the next of its starts, in
  random order. So a batch has as many rollouts as the stack, or as its own size.
- Stacks are shuffled too, and put into *bundles*. A bundle's batches are spread over the ``MIXED`` segments from its
  own on, so that batches of as many bundles are mixed. During a segment, the next bundle is read, little by little.

Nothing here depends on who takes which batch, so ranks and workers may change at any step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.jit import compiled
from nca_assets.automaton.philox import draw_words
from nca_assets.automaton.shape import SHAPE_BLOCK

BLOCK_ORDER, STACK_ORDER, BATCH_ORDER, SEGMENT_ORDER, SAMPLE_ORDER = range(5)
"""Random number streams."""

MIXED = 8
"""Bundles whose batches are mixed."""

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Blocks:
    """Runs of same-shaped rollouts in a source: ``first`` position, ``size`` in rollouts, ``frames``, ``height`` and
    ``width``."""

    first: Integers
    size: Integers
    frames: Integers
    height: Integers
    width: Integers

    @classmethod
    def of(cls, places: NDArray[np.int64]) -> Blocks:
        """The blocks of rollouts given as rows (set, index, shard, frames, height, width) of ``places``."""
        block = places[:, 1] // SHAPE_BLOCK
        new = np.ones(len(places), bool)
        new[1:] = block[1:] != block[:-1]
        for column in (0, 2, 3, 4, 5):
            new[1:] |= places[1:, column] != places[:-1, column]
        first = np.flatnonzero(new)
        return cls(first, np.diff(np.r_[first, len(places)]), *places[first, 3:].T)

    @cached_property
    def grid(self) -> Integers:
        """A number for each height and width."""
        return (self.height << 32) + self.width


@dataclass(frozen=True)
class Stack:
    """Rollouts of one grid and their samples, in the order of the stack's batches.

    Sample i is the frames from the ``start[i]``-th start of the rollout at ``position[slot[i]]``; each batch has the
    next ``batch_size`` of them, in order of slot, and the last one has the rest. ``number`` is the stack's own.
    """

    number: int
    position: Integers
    slot: NDArray[np.int32]
    start: NDArray[np.int32]
    batch_size: int


@dataclass(frozen=True)
class Order:
    """The order of an epoch.

    ``starts``, ``samples`` and ``batch_size`` are given for each block: the starts of each of its rollouts, how many of
    them an epoch takes, and the batch size of its grid. At most about ``rollouts_open`` rollouts are open at a time.
    """

    blocks: Blocks
    starts: Integers
    samples: Integers
    batch_size: Integers
    seed: int
    epoch: int
    shuffle: bool
    rollouts_open: int
    drop_last: bool

    def __len__(self) -> int:
        """Batches in the epoch."""
        return int(self._segment_ends[-1]) if len(self._segment_ends) else 0

    @property
    def bundles(self) -> int:
        """The number of bundles."""
        return len(self._bundle_ends)

    @property
    def segments(self) -> int:
        """The number of segments: during number s, bundles s - mixed + 1 to s are open."""
        return len(self._segment_ends)

    @property
    def mixed(self) -> int:
        """Bundles whose batches are mixed."""
        return MIXED if self.shuffle else 1

    def find(self, step: int) -> tuple[int, int]:
        """The segment of batch ``step``, and the batches before it in that segment."""
        segment = int(np.searchsorted(self._segment_ends, step, side="right"))
        return segment, step - (int(self._segment_ends[segment - 1]) if segment else 0)

    def bundle(self, number: int) -> list[Stack]:
        """The stacks of a bundle."""
        first = int(self._bundle_ends[number - 1]) if number else 0
        return [self._stack(int(stack)) for stack in self._stack_order[first : self._bundle_ends[number]]]

    def segment(self, number: int) -> list[tuple[int, int, int]]:
        """The batches of a segment: bundle, stack of that bundle, batch of that stack."""
        rows: list[Integers] = []
        for bundle in range(max(0, number - self.mixed + 1), min(number + 1, self.bundles)):
            batches, part = self._batches_of(bundle), number - bundle
            first, stop = (len(batches) * (part + more) // self.mixed for more in (0, 1))
            rows.append(batches[first:stop])
        every = np.concatenate(rows)
        mixed = every[self._shuffled(len(every), SEGMENT_ORDER, number)]
        return [(bundle, stack, batch) for bundle, stack, batch in mixed.tolist()]

    def _batches_of(self, bundle: int) -> Integers:
        """All batches of a bundle in random order: (bundle, stack, batch) rows; kept for its later segments."""
        if bundle not in self._kept:
            self._kept[bundle] = self._ordered(bundle)
            self._kept.pop(bundle - 2 * MIXED, None)
        return self._kept[bundle]

    @cached_property
    def _kept(self) -> dict[int, Integers]:
        return {}

    def _ordered(self, bundle: int) -> Integers:
        first = int(self._bundle_ends[bundle - 1]) if bundle else 0
        counts = self._stack_batches[self._stack_order[first : self._bundle_ends[bundle]]]
        stack = np.repeat(np.arange(len(counts)), counts)
        batch = np.arange(len(stack)) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = np.column_stack([np.full(len(stack), bundle), stack, batch])
        return rows[self._shuffled(len(rows), BATCH_ORDER, bundle)]

    def _stack(self, stack: int) -> Stack:
        blocks = self._block_order[self._stack_first[stack] : self._stack_first[stack + 1]]
        sizes = self.blocks.size[blocks]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        position = np.repeat(self.blocks.first[blocks], sizes) + within
        starts, samples = np.repeat(self.starts[blocks], sizes), np.repeat(self.samples[blocks], sizes)
        batch_size, total = int(self.batch_size[blocks[0]]), int(samples.sum())
        if self.shuffle:
            words = draw_words((self.seed, self.epoch), SAMPLE_ORDER, stack, -(-int(starts.sum() + total) // 4))
            slot, start = _dealt(starts, samples, words.ravel())
        else:
            slot = np.repeat(np.arange(len(position), dtype=np.int32), samples)
            start = (np.arange(total) - np.repeat(np.cumsum(samples) - samples, samples)).astype(np.int32)
        kept = total // batch_size * batch_size if self.drop_last else total
        slot, start = slot[:kept], start[:kept]
        if self.shuffle:
            _sort_batches(slot, start, batch_size, len(position))
        return Stack(stack, position, slot, start, batch_size)

    @cached_property
    def _block_order(self) -> Integers:
        """Blocks in random order, those of one grid together; in their own order without shuffling."""
        if not self.shuffle:
            return np.arange(len(self.blocks.first))
        return np.lexsort((self._words(len(self.blocks.first), BLOCK_ORDER, 0), self.blocks.grid))

    @cached_property
    def _stack_first(self) -> Integers:
        """The first block of each stack in that order, and the end of the last."""
        grid, size = self.blocks.grid[self._block_order], self.blocks.size[self._block_order]
        new = np.r_[True, grid[1:] != grid[:-1]]
        before = np.cumsum(size) - size
        before -= np.repeat(before[new], np.diff(np.r_[np.flatnonzero(new), len(grid)]))
        part = before // self._rollouts_each
        return np.r_[np.flatnonzero(new | np.r_[False, part[1:] != part[:-1]]), len(grid)]

    @cached_property
    def _stack_batches(self) -> Integers:
        blocks, first = self._block_order, self._stack_first[:-1]
        samples = np.add.reduceat((self.blocks.size * self.samples)[blocks], first)
        sizes = self.batch_size[blocks[first]]
        return samples // sizes if self.drop_last else -(-samples // sizes)

    @cached_property
    def _stack_order(self) -> Integers:
        """Stacks with any batches, in random order."""
        some = np.flatnonzero(self._stack_batches)
        return some[self._shuffled(len(some), STACK_ORDER, 0)]

    @cached_property
    def _bundle_ends(self) -> Integers:
        """The end of each bundle in that order."""
        if not len(self._stack_order):
            return np.empty(0, np.int64)
        rollouts = np.add.reduceat(self.blocks.size[self._block_order], self._stack_first[:-1])[self._stack_order]
        part = (np.cumsum(rollouts) - rollouts) // self._rollouts_each
        return np.r_[np.flatnonzero(part[1:] != part[:-1]) + 1, len(part)]

    @cached_property
    def _segment_ends(self) -> Integers:
        """The number of batches up to the end of each segment."""
        if not self.bundles:
            return np.empty(0, np.int64)
        batches = np.add.reduceat(self._stack_batches[self._stack_order], np.r_[0, self._bundle_ends[:-1]])
        counts = np.zeros(self.bundles + self.mixed - 1, np.int64)
        for part in range(self.mixed):
            share = batches * (part + 1) // self.mixed - batches * part // self.mixed
            counts[part : part + self.bundles] += share
        return np.cumsum(counts)

    @property
    def _rollouts_each(self) -> int:
        return max(1, self.rollouts_open // MIXED)

    def _words(self, count: int, stream: int, step: int) -> NDArray[np.uint32]:
        return draw_words((self.seed, self.epoch), stream, step, -(-count // 4)).ravel()[:count]

    def _shuffled(self, count: int, stream: int, step: int) -> Integers:
        """0 … count - 1 in random order, independent of NumPy's version."""
        return np.argsort(self._words(count, stream, step), kind="stable") if self.shuffle else np.arange(count)


@compiled
def _dealt(starts, samples, words):
    """Deal ``samples[r]`` of the ``starts[r]`` starts of each rollout r in rounds: slot and start of each sample.

    Takes a random word for each start and each sample, uint32.
    """
    rollouts, total = starts.size, samples.sum()
    first = np.zeros(rollouts + 1, np.int64)
    first[1:] = np.cumsum(starts)
    order = np.empty(first[-1], np.int32)
    used = 0
    for r in range(rollouts):
        mine = order[first[r] : first[r + 1]]
        for i in range(mine.size):
            mine[i] = i
        for i in range(samples[r]):
            j = i + np.int64(np.uint64(words[used]) * np.uint64(mine.size - i) >> np.uint64(32))
            mine[i], mine[j] = mine[j], mine[i]
            used += 1
    slot, start = np.empty(total, np.int32), np.empty(total, np.int32)
    used, done = first[-1], 0
    for turn in range(samples.max()):
        begin = done
        for r in range(rollouts):
            if turn < samples[r]:
                slot[done] = r
                done += 1
        for i in range(done - 1, begin, -1):
            j = begin + np.int64(np.uint64(words[used]) * np.uint64(i + 1 - begin) >> np.uint64(32))
            slot[i], slot[j] = slot[j], slot[i]
            used += 1
        for i in range(begin, done):
            start[i] = order[first[slot[i]] + turn]
    return slot, start


@compiled
def _sort_batches(slot, start, batch_size, rollouts):
    """Sort each batch by slot, in place, so that a slice of it is of few rollouts."""
    places = np.empty(rollouts + 1, np.int64)
    slots, starts = np.empty(batch_size, np.int32), np.empty(batch_size, np.int32)
    for first in range(0, slot.size, batch_size):
        stop = min(first + batch_size, slot.size)
        places[:] = 0
        for i in range(first, stop):
            places[slot[i] + 1] += 1
        for r in range(rollouts):
            places[r + 1] += places[r]
        for i in range(first, stop):
            to = places[slot[i]]
            places[slot[i]] += 1
            slots[to], starts[to] = slot[i], start[i]
        slot[first:stop] = slots[: stop - first]
        start[first:stop] = starts[: stop - first]
