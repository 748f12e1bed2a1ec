"""Stacks of rollouts held in memory, and the batches that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.philox import draw_words
from nca_assets.errors import NcaError
from nca_assets.loading.gather import gather, gather_fitted, runs
from nca_assets.loading.order import Stack
from nca_assets.store.refusals import is_of_the_file

if TYPE_CHECKING:
    from nca_assets.loading.readers import Tokens

CORNERS = 5
"""The random number stream of crops, after those of ``order``."""

Array = Any
"""A torch tensor, or a NumPy array in a stream's ``numpy()``."""


class Batch(NamedTuple):
    """Samples of one grid shape, or fitted to one.

    ``tokens`` is uint8 (batch, frames, height, width); ``origin`` is int64 (batch, 2), each sample's position in the
    source and its first frame. ``skipped`` counts samples left out because they can't be read, and ``stream`` numbers
    the stream of a mix. If the stream fits grids to one shape, ``grids`` is int64 (batch, 2), the height and width of
    the part of ``tokens`` that holds the sample; beyond it they are ``PAD``, 255.
    """

    tokens: Array
    origin: Array
    skipped: int = 0
    stream: int = 0
    grids: Array = None

    @property
    def rollouts(self) -> Array:
        """Positions in the source: int64 (batch,)."""
        return self.origin[:, 0]

    @property
    def starts(self) -> Array:
        """First frames: int64 (batch,)."""
        return self.origin[:, 1]

    @property
    def mask(self) -> Array:
        """Which cells of ``tokens`` hold the sample: bool (batch, 1, height, width)."""
        height, width = self.tokens.shape[-2:]
        grids = np.asarray([(height, width)] * len(self.tokens) if self.grids is None else self.grids)
        rows, columns = (np.arange(side)[None] < grids[:, i, None] for i, side in enumerate((height, width)))
        mask = (rows[:, :, None] & columns[:, None])[:, None]
        return mask if isinstance(self.tokens, np.ndarray) else self.tokens.new_tensor(mask).bool()


@dataclass(frozen=True)
class Form:
    """What samples are made into: frames at ``offsets`` from each of the ``starts``, in arrays that ``made`` wraps.

    ``fit`` is the height and width that grids are fitted to, if they are; ``key`` is a seed and an epoch.
    """

    offsets: tuple[int, ...]
    starts: NDArray[np.int64]
    fit: tuple[int, int] | None
    skip_damaged: bool
    rank: int
    ranks: int
    key: tuple[int, int]
    made: Callable[[NDArray[Any]], Array]

    @cached_property
    def runs(self) -> NDArray[np.int64]:
        """Stretches of consecutive offsets."""
        return runs(self.offsets)


class Held:
    """A stack and the rollouts of it that this rank needs; ``shapes`` is int64 (rollouts, 3)."""

    def __init__(self, stack: Stack, shapes: NDArray[np.int64], form: Form) -> None:
        self.stack, self.shapes, self.grids, self.form = stack, shapes, shapes[:, 1:], form
        self.rollouts: list[Any] = []
        self.address = np.zeros(len(stack.position), np.int64)
        self.wanted: Sequence[int] = range(len(stack.position)) if form.ranks == 1 else self._needed()

    @property
    def positions(self) -> list[int]:
        """The positions of the wanted rollouts."""
        return self.stack.position[list(self.wanted)].tolist()

    def _needed(self) -> Sequence[int]:
        """The slots that this rank has samples of."""
        total, size = len(self.stack.slot), self.stack.batch_size
        mine = np.zeros(total, bool)
        for number in range(-(-total // size)):
            mine[slice(*self._share(number))] = True
        return np.unique(self.stack.slot[mine]).tolist()

    def _share(self, number: int) -> tuple[int, int]:
        """This rank's samples of batch ``number``: first, and end."""
        first, stop = number * self.stack.batch_size, (number + 1) * self.stack.batch_size
        if self.form.ranks == 1:
            return first, stop
        size = min(stop, len(self.stack.slot)) - first
        return first + size * self.form.rank // self.form.ranks, first + size * (self.form.rank + 1) // self.form.ranks

    def receive(self, slot: int, tokens: Tokens | NcaError) -> None:
        """Take the rollout at ``slot``, or raise why it can't be read, unless it is damaged and such are skipped."""
        if isinstance(tokens, NcaError):
            if not self.form.skip_damaged or not is_of_the_file(tokens):
                raise tokens
        elif list(tokens.shape) != self.shapes[slot].tolist():
            raise NcaError(f"a rollout is {tuple(tokens.shape)}, its source says {tuple(self.shapes[slot].tolist())}")
        elif isinstance(tokens, np.ndarray):
            rollout = np.ascontiguousarray(tokens, np.uint8)
            self.rollouts.append(rollout)
            self.address[slot] = rollout.__array_interface__["data"][0]
        else:  # on a GPU: its place among all frames there, counted from 1
            self.address[slot] = 1 + sum(len(before) for before in self.rollouts)
            self.rollouts.append(tokens)

    def batch(self, number: int) -> Batch:
        """This rank's share of batch ``number``. All wanted rollouts must have been received."""
        first, stop = self._share(number)
        origin, frame, skipped = self._origin[first:stop], self._first[first:stop], 0
        chosen: Any = slice(first, stop)
        if self.form.skip_damaged and len(self.rollouts) < len(self.wanted):
            there = self.address[self.stack.slot[first:stop]] > 0
            chosen, origin, frame, skipped = np.flatnonzero(there) + first, origin[there], frame[there], sum(~there)
        made, offsets = self.form.made, self.form.offsets
        if self._on_gpu is not None:
            from torch import as_tensor

            frames = as_tensor(frame[:, None] + np.array(offsets), device=self._on_gpu.device)
            return Batch(self._on_gpu[frames], made(origin), int(skipped))
        tokens = np.empty((len(frame), len(offsets), *(self.form.fit or self._grid)), np.uint8)
        if not self.form.fit:
            gather(tokens, frame, self.form.runs)
            return Batch(made(tokens), made(origin), int(skipped))
        grids, corners = self.grids[self.stack.slot[chosen]], self._corners[chosen]
        gather_fitted(tokens, frame, grids, corners, np.array(offsets))
        return Batch(made(tokens), made(origin), int(skipped), 0, made(np.minimum(grids, self.form.fit)))

    @cached_property
    def _grid(self) -> tuple[int, int]:
        height, width = self.grids[0].tolist()
        return height, width

    @cached_property
    def _start(self) -> NDArray[np.int64]:
        return self.form.starts[self.stack.start]

    @cached_property
    def _origin(self) -> NDArray[np.int64]:
        return np.column_stack([self.stack.position[self.stack.slot], self._start])

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        """Where each sample's first frame is: an address or, on a GPU, a place among all frames there."""
        address = self.address[self.stack.slot]
        if self._on_gpu is not None:
            return address - 1 + self._start
        return address + self._start * self.grids.prod(axis=1)[self.stack.slot]

    @cached_property
    def _on_gpu(self) -> Any:
        """All frames in a tensor, if that is what rollouts are."""
        if not self.rollouts or isinstance(self.rollouts[0], np.ndarray):
            return None
        from torch import cat

        return cat(self.rollouts)

    @cached_property
    def _corners(self) -> NDArray[np.int64]:
        """Where each sample is cropped, if it must be: int64 (samples, 2), row and column, random."""
        words = draw_words(self.form.key, CORNERS, self.stack.number, -(-len(self.stack.slot) // 2))
        sides = self.grids[self.stack.slot]
        corners = words.reshape(-1, 2)[: len(sides)].astype(np.int64) * sides >> 32
        return np.where(sides > np.array(self.form.fit), corners, 0)
