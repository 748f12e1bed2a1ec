"""Weighted mixes of streams: sets, collections, classes, recipes and files in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.philox import draw_words
from nca_assets.errors import NcaError
from nca_assets.loading.held import Batch
from nca_assets.loading.loader import Loader
from nca_assets.loading.streams import Stream, require_key

CHOICE = 6
"""The random number stream of choices, after those of ``order`` and ``held``."""

CHUNK = 4096
"""Choices drawn at a time."""


def mix(streams: Mapping[Stream, float], *, seed: int = 0) -> Mix:
    """Batches from several streams, each drawn with a probability in proportion to its weight.

    Each stream keeps its own order, and goes on to its next epoch when one ends. An epoch of the mix has as many
    batches as the first epochs of all streams. ``batch.stream`` is the number of the stream that a batch is from.
    Raises ``NcaError`` if a weight is not positive.

    >>> native, small = data.recipes("set3", range(256)), data.rollouts("height <= 48")
    >>> mixed = nca.mix({native.transitions(): 0.7, small.transitions(): 0.3})
    >>> next(iter(mixed.loader())).stream
    """
    if not streams or not all(0 < weight < np.inf for weight in streams.values()):
        raise NcaError("a mix needs streams with positive weights, like {one: 0.7, other: 0.3}")
    require_key("seed", seed)
    return Mix(tuple(streams), tuple(streams.values()), seed)


@dataclass(frozen=True, eq=False)
class Mix:
    """A mix of streams at a step of an epoch; ``mix`` makes it. It has the methods of a stream."""

    streams: tuple[Stream, ...]
    weights: tuple[float, ...]
    seed: int
    epoch: int = 0
    done: int = 0

    def at(self, epoch: int, done: int = 0) -> Mix:
        """This mix at ``epoch``, resumed after ``done`` batches. Raises ``NcaError`` if an epoch has not as many."""
        require_key("epoch", epoch)
        if not 0 <= done <= self._batches:
            raise NcaError(f"{done} batches are done of an epoch of {self._batches}: give 0 to {self._batches}")
        return replace(self, epoch=epoch, done=done)

    def numpy(self) -> Mix:
        """The same mix with NumPy arrays in its batches."""
        return replace(self, streams=tuple(stream.numpy() for stream in self.streams))

    def loader(self, workers: int = 0) -> Loader:
        """As a stream's ``loader``; each stream reads in so many threads."""
        return Loader(replace(self, streams=tuple(replace(stream, threads=workers) for stream in self.streams)))

    def __len__(self) -> int:
        return self._batches - self.done

    def __iter__(self) -> Iterator[Batch]:
        batches = self.forever()
        for _ in range(len(self)):
            yield next(batches)

    def forever(self) -> Iterator[Batch]:
        """The batches from here on, epoch after epoch."""
        step = self.epoch * self._batches + self.done
        chunk, within = divmod(step, CHUNK)
        taken = np.zeros(len(self.streams), np.int64)
        for before in range(chunk):
            taken += np.bincount(self._choices(before), minlength=len(taken))
        taken += np.bincount(self._choices(chunk)[:within], minlength=len(taken))
        batches = [_after(stream, int(many)).forever() for stream, many in zip(self.streams, taken, strict=True)]
        while True:
            for number in self._choices(chunk)[within:].tolist():
                yield next(batches[number])._replace(stream=number)
            chunk, within = chunk + 1, 0

    def identity(self) -> dict[str, Any]:
        """Everything that determines the order of batches except epoch and step, as plain values."""
        streams = {f"stream {number}": stream.identity() for number, stream in enumerate(self.streams)}
        return {"weights": list(self.weights), "seed": self.seed} | streams

    @cached_property
    def _batches(self) -> int:
        return sum(len(stream.at(0)) for stream in self.streams)

    def _choices(self, chunk: int) -> NDArray[np.int64]:
        """The stream of each batch of a chunk: int64 (``CHUNK``,)."""
        words = draw_words((self.seed, chunk), CHOICE, 0, CHUNK // 4).ravel()
        ends = np.cumsum(self.weights) / sum(self.weights) * 2**32
        return np.minimum(np.searchsorted(ends, words, side="right"), len(ends) - 1)


def _after(stream: Stream, batches: int) -> Stream:
    """``stream`` after so many batches of its own, from the start of its epoch on."""
    there = stream.at(stream.epoch)
    while batches >= len(there):
        batches -= len(there)
        there = there.at(there.epoch + 1)
    return there.at(there.epoch, batches)
