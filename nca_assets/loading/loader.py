"""A loader: epoch after epoch of a stream, whose place can be saved and resumed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from nca_assets.errors import NcaError
from nca_assets.loading.held import Batch


class Steps(Protocol):
    """A stream or a mix, as a loader needs it."""

    # ruff: noqa: D102
    @property
    def epoch(self) -> int: ...
    @property
    def done(self) -> int: ...
    def __len__(self) -> int: ...
    def at(self, epoch: int, done: int = 0) -> Steps: ...
    def forever(self) -> Iterator[Batch]: ...
    def identity(self) -> dict[str, Any]: ...


class Loader:
    """Batches of a stream or a mix: iterating gives the rest of an epoch, iterating again the next one.

    ``state_dict`` and ``load_state_dict`` are torchdata's protocol ``Stateful``. The state after a batch is that before
    the next one, for any number of ranks and workers; after the last one of an epoch, it is the next epoch's start.
    """

    def __init__(self, stream: Steps) -> None:
        self._batches: Iterator[Batch] | None = None
        self._go(stream)

    @property
    def epoch(self) -> int:
        """The epoch of the next batch."""
        return self._stream.epoch

    def __len__(self) -> int:
        """The number of batches left in the epoch."""
        return len(self._stream.at(self.epoch)) - self._done

    def __iter__(self) -> Iterator[Batch]:
        batches = self._batches = self._batches or self._stream.forever()
        left, epoch = len(self), self.epoch
        while left:
            batch = next(batches)
            left -= 1
            self._done += 1
            if not left:
                self._stream, self._done = self._stream.at(epoch + 1), 0
            yield batch
            if self._batches is not batches:  # sent elsewhere meanwhile
                return

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of ``epoch``, unless the next batch is in it already."""
        if epoch != self.epoch:
            self._go(self._stream.at(epoch))

    def state_dict(self) -> dict[str, Any]:
        """The place of the next batch, and what must be the same for it to be the same: plain values."""
        return {"epoch": self.epoch, "done": self._done, "stream": self._stream.identity()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to the place in ``state``. Raises ``NcaError`` if it is of a stream with another order."""
        there = self._stream.at(state["epoch"], state["done"])
        ours, theirs = there.identity(), state["stream"]
        if others := [name for name in ours if ours[name] != theirs.get(name)]:
            name = others[0]
            raise NcaError(f"the state is of another stream: its {name} is {theirs.get(name)}, here {ours[name]}")
        self._go(there)

    def _go(self, there: Steps) -> None:
        if there.done and not len(there):
            there = there.at(there.epoch + 1)
        self._stream, self._done, self._batches = there, there.done, None
