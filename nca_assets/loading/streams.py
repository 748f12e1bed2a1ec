"""Streams of batches over a source: frame transitions, the long-horizon task's windows, clips of video.

A stream is an epoch, and immutable: ``stream.at(epoch, done)`` is the same stream elsewhere. ``stream.loader()`` goes
from epoch to epoch, and can be saved.
"""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Any, SupportsIndex
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from nca_assets.errors import NcaError
from nca_assets.loading.held import Array, Batch, Form, Held
from nca_assets.loading.loader import Loader
from nca_assets.loading.order import Blocks, Order
from nca_assets.loading.pace import walk
from nca_assets.loading.readers import Source

LONG_HORIZON = (0, 16, 32, 48, 112)
"""Frames of the card's task: four of context, then the target."""

ROLLOUTS_OPEN = 512
"""Some 180 MB of tokens at 500 frames."""

LARGEST_KEY = 2**32 - 1

OVERTAKING = 256
"""Batches that threads may be ahead of others."""

TAKING = Lock()

NO_BLOCKS = Blocks.of(np.empty((0, 6), np.int64))


@dataclass(frozen=True, eq=False)
class Stream:
    """Batches of frames ``start + offsets`` for every rollout and start, once per epoch, in random order.

    Batch number s of an epoch depends on seed, epoch and s alone, on every machine, and on no number of ranks, threads
    or processes. ``batch_size`` is that of all ``ranks`` together, each of which gets its slice; the last batch of some
    rollouts can be smaller, and a slice of it even empty, unless ``drop_last``. Instead of a number of samples, a batch
    can have a budget of ``tokens``. ``every`` is the step between starts, and ``starts`` restricts them;
    ``per_rollout`` takes as many of each rollout in an epoch, others in each, by default all. With ``fit``, a height
    and a width, grids are cropped or padded to one shape. At most about ``rollouts_open`` rollouts are in memory, and a
    batch has up to an eighth as many rules. An unreadable rollout raises ``NcaError`` or, with ``skip_damaged``, is
    left out of its batches, which may then be empty; any other failure, such as an unreachable bucket, is always
    raised.
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
    skip_damaged: bool = False
    tokens: int | None = None
    per_rollout: int | None = None
    fit: tuple[int, int] | None = None
    drop_last: bool = False
    rollouts_open: int = ROLLOUTS_OPEN
    threads: int = 0
    as_numpy: bool = False
    epoch: int = 0
    done: int = 0
    known: tuple[Source | None, Blocks] = field(default=(None, NO_BLOCKS), repr=False)
    """A source and its blocks, handed from stream to stream, since finding them takes as long as the source is."""

    def __post_init__(self) -> None:
        sizes = {
            name: getattr(self, name) for name in ("batch_size", "every", "rollouts_open", "tokens", "per_rollout")
        }
        for name, value in sizes.items():
            if value is not None and value < 1:
                raise NcaError(f"{name} is {value}: give 1 or more")
        if not 0 <= self.rank < self.ranks:
            raise NcaError(f"rank is {self.rank} of {self.ranks}: give 0 to ranks - 1")
        if self.fit is not None and min(self.fit) < 1:
            raise NcaError(f"fit is {self.fit}: give a height and a width, like (32, 32)")
        require_key("seed", self.seed)
        require_key("epoch", self.epoch)
        if self.known[0] is not self.reading:
            object.__setattr__(self, "known", (self.reading, Blocks.of(self.reading.places)))
        batches = len(self.order)
        if not batches:
            few = ", or too few for a whole batch" if self.drop_last else ""
            raise NcaError(f"there is no batch: rollouts are shorter than {max(self.offsets) + 1} frames{few}")
        if not 0 <= self.done <= batches:
            raise NcaError(f"{self.done} batches are done of an epoch of {batches}: give 0 to {batches}")

    def at(self, epoch: int, done: int = 0) -> Stream:
        """This stream at ``epoch``, resumed after ``done`` batches. Raises ``NcaError`` if it has not as many."""
        return replace(self, epoch=epoch, done=done)

    def numpy(self) -> Stream:
        """The same stream with NumPy arrays in its batches; torch need not be installed.

        >>> next(iter(data.rollouts().transitions(batch_size=8).numpy())).tokens.dtype
        """
        return replace(self, as_numpy=True)

    def loader(self, workers: int = 0) -> Loader:
        """Epoch after epoch of batches, from here on; it can be saved and resumed.

        ``workers`` is the number of threads that read and simulate ahead, by default ``NCA_THREADS``; the batches stay
        the same.

        >>> loader = data.rollouts().transitions().loader(workers=2)
        >>> for batch in loader:
        ...     loss = (batch.tokens[:, 0] != batch.tokens[:, 1]).float().mean()
        >>> state = loader.state_dict()
        """
        if workers < 0:
            raise NcaError(f"workers is {workers}: give 0 or more")
        return Loader(replace(self, threads=workers))

    def __len__(self) -> int:
        """The number of batches left in the epoch."""
        return len(self.order) - self.done

    def __iter__(self) -> Iterator[Batch]:
        for held, number in walk(self):
            yield held.batch(number)

    def forever(self) -> Iterator[Batch]:
        """The batches from here on, epoch after epoch, without a break between them."""
        for held, number in walk(self, endless=True):
            yield held.batch(number)

    def __getitem__(self, step: SupportsIndex) -> Batch:
        """Batch ``step`` from here on, for torch's ``DataLoader`` and for grain; quick if steps come in order."""
        if isinstance(step, slice):
            raise NcaError("a stream has no slices: take itertools.islice(stream, 10), or stream.at(epoch, done)")
        at = range(len(self))[operator.index(step)]
        with TAKING:
            cursor: _Cursor | None = self.__dict__.get("_cursor")
            if cursor and at == 0 and cursor.step == len(self) and self.shuffle:
                again = f"epoch {self.epoch} begins again: take stream.at(epoch), or stream.loader(), which goes on"
                warnings.warn(again, stacklevel=2)
                cursor = None
            if cursor is None or not cursor.reaches(at):
                cursor = self.__dict__["_cursor"] = _Cursor(self, at)
            held, number = cursor.at(at)
        return held.batch(number)

    def __getitems__(self, steps: list[int]) -> list[Batch]:
        """Refuses what torch's ``DataLoader`` asks for when it would make batches itself."""
        raise NcaError("a stream's samples are in batches already: pass batch_size=None to the DataLoader")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_cursor"}

    def identity(self) -> dict[str, Any]:
        """Everything that determines the order of batches except epoch and step, as plain values."""
        names = ("offsets", "batch_size", "every", "starts", "seed", "shuffle", "tokens", "per_rollout", "fit")
        values = {name: getattr(self, name) for name in (*names, "drop_last", "rollouts_open")}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        blocks = self.blocks
        shapes = np.stack([blocks.first, blocks.size, blocks.frames, blocks.grid])
        return plain | {"rollouts": int(blocks.size.sum()), "shapes": crc32(shapes.tobytes())}

    @property
    def blocks(self) -> Blocks:
        """The blocks of this epoch's rollouts."""
        return self.known[1]

    @property
    def reading(self) -> Source:
        """What this epoch reads."""
        return self.source.of_epoch(self.epoch)

    @property
    def order(self) -> Order:
        """All batches of the epoch, of all ranks."""
        return self._order

    @cached_property
    def _order(self) -> Order:
        blocks = self.blocks
        starts = np.array([len(self._starts(frames)) for frames in range(int(blocks.frames.max()) + 1)])[blocks.frames]
        samples = starts if self.per_rollout is None else np.minimum(starts, self.per_rollout)
        cells = blocks.height * blocks.width
        if self.fit:
            cells = np.full(len(cells), self.fit[0] * self.fit[1])
            blocks = replace(blocks, height=np.zeros_like(cells), width=np.zeros_like(cells))
        sizes = np.full(len(cells), self.batch_size)
        if self.tokens:
            sizes = np.maximum(1, self.tokens // (cells * len(self.offsets)))
        return Order(
            blocks, starts, samples, sizes, self.seed, self.epoch, self.shuffle, self.rollouts_open, self.drop_last
        )

    def _starts(self, frames: int) -> NDArray[np.int64]:
        """The first frames of a rollout's samples; those of a shorter one are the first of a longer one's."""
        starts = np.arange(0, frames - max(self.offsets), self.every)
        return starts if self.starts is None else starts[np.isin(starts, self.starts)]

    def form(self) -> Form:
        """What this epoch's samples are made into."""
        starts = self._starts(int(self.blocks.frames.max()))
        return Form(
            self.offsets, starts, self.fit, self.skip_damaged, self.rank, self.ranks, (self.seed, self.epoch),
            _as_numpy if self.as_numpy else _wrap(),
        )  # fmt: skip


def require_key(name: str, value: int) -> None:
    """Raise ``NcaError`` unless ``value`` can key random numbers."""
    if not 0 <= value <= LARGEST_KEY:
        raise NcaError(f"{name} is {value}: give 0 to {LARGEST_KEY}")


def _as_numpy(array: Array) -> Array:
    return array if isinstance(array, np.ndarray) else array.cpu().numpy()


def _wrap() -> Callable[[Array], Array]:
    try:
        from torch import from_numpy
    except ImportError:
        raise NcaError("torch is not installed: install it, or take NumPy arrays (stream.numpy())") from None
    return from_numpy


class _Cursor:
    """A walk through a stream's batches by number: forwards, and a little backwards, for threads that overtake."""

    def __init__(self, stream: Stream, step: int) -> None:
        self.process, self.step = os.getpid(), step
        self.batches = walk(stream.at(stream.epoch, stream.done + step))
        self.last: dict[int, tuple[Held, int]] = {}

    def reaches(self, step: int) -> bool:
        return self.process == os.getpid() and (step in self.last or step >= self.step)

    def at(self, step: int) -> tuple[Held, int]:
        while self.step <= step:
            self.last[self.step] = next(self.batches)
            self.last.pop(self.step - OVERTAKING, None)
            self.step += 1
        return self.last[step]
