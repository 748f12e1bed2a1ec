"""Streams of batches over a source: frame transitions, the long-horizon task's windows, clips of video.

A stream is a torch ``IterableDataset`` and immutable: ``stream.at(epoch, done)`` is the same stream resumed there, with
exactly the remaining batches. Pass it to a ``DataLoader`` with ``batch_size=None`` and any number of workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, tee
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from nca_assets.errors import NcaError
from nca_assets.loading.plan import Blocks, Plan, PlannedBatch, share
from nca_assets.loading.readers import Tokens

LONG_HORIZON = (0, 16, 32, 48, 112)
"""Frames of the card's task: four of context, then the target."""

BLOCKS_OPEN = 4
"""Blocks of up to 32 rollouts each: some 60 MB of tokens at 500 frames, plus as much read ahead."""


class Batch(NamedTuple):
    """Samples of one grid shape.

    ``tokens`` is uint8 (batch, frames, height, width); ``origin`` is int64 (batch, 2), each sample's position in the
    source and its first frame. ``skipped`` counts samples left out because they can't be read.
    """

    tokens: Tensor
    origin: Tensor
    skipped: int = 0

    @property
    def rollouts(self) -> Tensor:
        """Positions in the source: int64 (batch,)."""
        return self.origin[:, 0]

    @property
    def starts(self) -> Tensor:
        """First frames: int64 (batch,)."""
        return self.origin[:, 1]


class Source(Protocol):
    """Rollouts readable by position, as a stream needs them."""

    @property
    def places(self) -> NDArray[np.int64]:
        """Location and shape: int64 (rollouts, 6), a number for the set, index, shard, frames, height, width."""
        ...

    def read(self, positions: Iterable[int]) -> Iterator[Tokens | NcaError]:
        """The tokens at ``positions``, in that order; the error if a rollout can't be read."""
        ...


@dataclass(frozen=True, eq=False)
class Stream(IterableDataset[Batch]):
    """Batches of frames ``start + offsets`` for every rollout and start, once per epoch, in random order.

    The order is a pure function of seed, epoch, rank and worker, on every machine. All ``ranks`` have equally many
    batches; up to ``ranks - 1`` are left over, different ones in each epoch. The last batch of a block can be smaller.
    ``every`` is the step between starts; ``starts`` restricts them. An unreadable rollout raises ``NcaError`` or, with
    ``skip_damaged``, is left out of its batches, which may then be empty.
    """

    source: Source
    offsets: tuple[int, ...]
    batch_size: int = 64
    every: int = 1
    starts: tuple[int, ...] | None = None
    seed: int = 0
    shuffle: bool = True
    rank: int = 0
    ranks: int = 1
    blocks_open: int = BLOCKS_OPEN
    skip_damaged: bool = False
    epoch: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.every < 1 or self.blocks_open < 1 or not 0 <= self.rank < self.ranks:
            raise NcaError("batch_size, every and blocks_open must be 1 or more, and rank one of 0 to ranks - 1")
        if not len(self):
            raise NcaError(f"{len(self.plan)} batches are too few: rollouts are too short, or ranks too many")

    def at(self, epoch: int, done: int = 0) -> Stream:
        """This stream at ``epoch``, resumed after ``done`` batches of this rank (counted over all its workers)."""
        return replace(self, epoch=epoch, done=done)

    def loader(self, workers: int = 0) -> DataLoader[Batch]:
        """A loader with this many worker processes, 0 for none; the batches stay the same.

        >>> for batch in data.rollouts().transitions().loader(workers=2):
        ...     loss = (batch.tokens[:, 0] != batch.tokens[:, 1]).float().mean()
        """
        return DataLoader(self, batch_size=None, num_workers=workers)

    def __len__(self) -> int:
        """The number of batches left to this rank in the epoch."""
        return len(self.plan) // self.ranks - self.done

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        # A DataLoader takes its workers' batches in turn, so after ``done`` batches a different worker comes first.
        worker = (worker + self.done) % workers
        each = len(self.plan) // self.ranks
        start, stop = share(each, worker, workers)
        start += self.rank * each + max(0, self.done - worker + workers - 1) // workers
        stop += self.rank * each
        with ThreadPoolExecutor(1) as ahead:
            windows = self._windows(start, stop)
            coming = ahead.submit(next, windows, None)
            while window := coming.result():
                coming = ahead.submit(next, windows, None)
                batches, tokens = window
                for batch in batches:
                    yield self._batch(batch, tokens[batch.block])

    @cached_property
    def plan(self) -> Plan:
        """All batches of all ranks."""
        blocks = Blocks.of(self.source.places)
        starts = {frames: len(self._starts(frames)) for frames in set(blocks.frames.tolist())}
        each = np.array([starts[frames] for frames in blocks.frames.tolist()])
        return Plan(blocks, each, self.batch_size, self.seed, self.epoch, self.shuffle, self.blocks_open)

    def _starts(self, frames: int) -> NDArray[np.int64]:
        """The first frames of a rollout's samples."""
        starts = np.arange(0, frames - max(self.offsets), self.every)
        return starts if self.starts is None else starts[np.isin(starts, self.starts)]

    def _windows(self, start: int, stop: int) -> Iterator[tuple[list[PlannedBatch], dict[int, _Block]]]:
        """The batches of each group of open blocks with the blocks' tokens; later blocks are read ahead."""
        to_read, to_give = tee(self.plan.slice(start, stop))
        blocks = self.plan.blocks
        rollouts = self.source.read(
            position
            for window in to_read
            for block in _blocks_of(window)
            for position in range(blocks.first[block], blocks.first[block] + blocks.size[block])
        )
        for window in to_give:
            yield (
                window,
                {block: self._open(block, islice(rollouts, blocks.size[block])) for block in _blocks_of(window)},
            )

    def _open(self, block: int, rollouts: Iterable[Tokens | NcaError]) -> _Block:
        read: list[Tokens] = []
        rows: list[int] = []
        for tokens in rollouts:
            if isinstance(tokens, NcaError) and not self.skip_damaged:
                raise tokens
            rows.append(DAMAGED if isinstance(tokens, NcaError) else len(read))
            if not isinstance(tokens, NcaError):
                read.append(tokens)
        blocks = self.plan.blocks
        starts = self._starts(int(blocks.frames[block]))
        rollout, start = np.divmod(self.plan.samples(block), len(starts))
        row = np.array(rows)[rollout]
        first = np.where(row == DAMAGED, DAMAGED, row * blocks.frames[block] + starts[start])
        origin = np.column_stack([blocks.first[block] + rollout, starts[start]])
        return _Block(_joined(read, self.source.places[blocks.first[block], 4:]), first, origin)

    def _batch(self, planned: PlannedBatch, block: _Block) -> Batch:
        first, origin = block.first[planned.first : planned.stop], block.origin[planned.first : planned.stop]
        if self.skip_damaged:
            there = first != DAMAGED
            first, origin = first[there], origin[there]
        frames = first[:, None] + self._offsets
        if isinstance(block.tokens, Tensor):
            tokens = block.tokens[torch.from_numpy(frames).to(block.tokens.device)]
        else:
            tokens = torch.from_numpy(block.tokens.take(frames, axis=0))
        return Batch(tokens, torch.from_numpy(origin), planned.stop - planned.first - len(first))

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        return np.array(self.offsets)


DAMAGED = -1


class _Block(NamedTuple):
    """The concatenated frames of a block's rollouts, uint8 (all frames, height, width), and for each sample, in order,
    its first frame there and its origin."""

    tokens: Tokens
    first: NDArray[np.int64]
    origin: NDArray[np.int64]


def _joined(rollouts: list[Tokens], grid: NDArray[np.int64]) -> Tokens:
    if not rollouts:
        return np.empty((0, *grid.tolist()), dtype=np.uint8)
    if isinstance(rollouts[0], Tensor):
        return torch.cat([torch.as_tensor(tokens) for tokens in rollouts])
    arrays = [np.asarray(tokens) for tokens in rollouts]
    return _in_place(arrays) if _are_adjacent(arrays) else np.concatenate(arrays)


def _are_adjacent(arrays: list[NDArray[np.uint8]]) -> bool:
    """Whether they are contiguous in memory, like the rollouts of an unpacked shard."""
    starts = [array.ctypes.data for array in arrays]
    return all(
        one.base is following.base is not None and start + one.nbytes == next_start
        for one, following, start, next_start in zip(arrays, arrays[1:], starts, starts[1:], strict=False)
    )


def _in_place(adjacent: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Their concatenation, without a copy."""
    frames = sum(len(array) for array in adjacent)
    return np.lib.stride_tricks.as_strided(adjacent[0], (frames, *adjacent[0].shape[1:]), writeable=False)


def _blocks_of(window: list[PlannedBatch]) -> list[int]:
    return list(dict.fromkeys(batch.block for batch in window))
