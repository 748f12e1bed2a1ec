"""Reading in pace: while batches of some bundles are taken, the next bundle is read, a rollout at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, tee
from typing import Protocol

from nca_assets.errors import NcaError
from nca_assets.loading.held import Form, Held
from nca_assets.loading.order import Order
from nca_assets.loading.readers import Source, Tokens

Bundle = list[Held]
Rollouts = Iterator[Tokens | NcaError]


class Epoch(Protocol):
    """A stream, as walking through its batches needs it."""

    # ruff: noqa: D102
    @property
    def epoch(self) -> int: ...
    @property
    def done(self) -> int: ...
    @property
    def threads(self) -> int: ...
    @property
    def order(self) -> Order: ...
    @property
    def reading(self) -> Source: ...
    def form(self) -> Form: ...
    def at(self, epoch: int, done: int = 0) -> Epoch: ...


def walk(stream: Epoch, *, endless: bool = False) -> Iterator[tuple[Held, int]]:
    """Each batch of ``stream``, as a stack and a number of a batch of it; if ``endless``, those of later epochs too.

    The source's threads read ahead of what is taken here, but only by a few rollouts, so that memory is bounded.
    """
    epochs, to_read = tee(_epochs(stream, endless))
    ahead = _Ahead(bundle for epoch in to_read for bundle in _bundles(epoch))
    for epoch in epochs:
        order = epoch.order
        first, skip = order.find(epoch.done)
        held = {number: ahead.take() for number in range(*_open(epoch))}
        for segment in range(first, order.segments):
            if segment < order.bundles and segment not in held:
                held[segment] = ahead.take()
            batches = order.segment(segment)
            for done, (bundle, stack, number) in enumerate(batches, start=1):
                if done > skip:
                    ahead.read(done, len(batches))
                    yield held[bundle][stack], number
            skip = 0
            held.pop(segment - order.mixed + 1, None)


def _epochs(stream: Epoch, endless: bool) -> Iterator[Epoch]:
    yield stream
    if endless:
        yield from (stream.at(epoch) for epoch in count(stream.epoch + 1))


def _open(stream: Epoch) -> tuple[int, int]:
    """The bundles, from and to, that are open at the stream's first batch."""
    order = stream.order
    segment, _ = order.find(stream.done)
    return max(0, segment - order.mixed + 1), min(segment + 1, order.bundles)


def _bundles(stream: Epoch) -> Iterator[tuple[Bundle, Rollouts]]:
    """The bundles of an epoch that are still needed, each with the rollouts that come next."""
    order, form, places = stream.order, stream.form(), stream.reading.places

    def bundle(number: int) -> Bundle:
        return [Held(stack, places[stack.position, 3:], form) for stack in order.bundle(number)]

    if stream.done == len(order):
        return
    to_read, to_give = tee(bundle(number) for number in range(_open(stream)[0], order.bundles))
    positions = (int(position) for bundle in to_read for held in bundle for position in held.positions)
    rollouts = stream.reading.read(positions, stream.threads)
    yield from ((bundle, rollouts) for bundle in to_give)


class _Ahead:
    """The bundle after those that are open, while it is read."""

    def __init__(self, bundles: Iterator[tuple[Bundle, Rollouts]]) -> None:
        self.bundles = bundles
        self._next()

    def _next(self) -> None:
        self.bundle, self.rollouts = next(self.bundles, ([], iter(())))
        self.slots = [(held, slot) for held in self.bundle for slot in held.wanted]
        self.read_of_it = 0

    def read(self, part: int, parts: int) -> None:
        """Read on until ``part / parts`` of the bundle are there."""
        until = len(self.slots) * part // parts
        for held, slot in self.slots[self.read_of_it : until]:
            held.receive(slot, next(self.rollouts))
        self.read_of_it = max(self.read_of_it, until)

    def take(self) -> Bundle:
        """The whole bundle; the next one is read from now on."""
        self.read(1, 1)
        bundle = self.bundle
        self._next()
        return bundle
