"""Reading many rollouts in order with threads, from their shards or from their recipes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Union

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.in_order import in_order, threads_of
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId, ShardKey, member_name
from nca_assets.remedies import restore
from nca_assets.settings import Resources
from nca_assets.shards.archive import Archive, ArrayFile, read_tokens
from nca_assets.shards.manifest import cached_manifest, rollout_digest
from nca_assets.shards.read import member_of, reading
from nca_assets.shards.recipes import simulate_dropped
from nca_assets.store.location import Stored
from nca_assets.store.store import first_copy, in_parts

if TYPE_CHECKING:
    from torch import Tensor

Tokens = Union[NDArray[np.uint8], "Tensor"]
"""A rollout's tokens, uint8 (frames, height, width); a tensor on a GPU."""


TOGETHER = 8
"""Rollouts that a thread reads at a time: it opens their file once, and seldom waits for other threads."""

GROUPS_PER_THREAD = 2


@dataclass(frozen=True)
class Request:
    """A rollout to read: its id, its shard, and its expected (frames, height, width)."""

    rollout: RolloutId
    shard: int
    shape: tuple[int, int, int]


Reader = Callable[[Iterable[Request], DataFolder, Resources], Iterator[Tokens | NcaError]]
"""Yields each rollout in order, or the error that prevents reading it."""


class Source(Protocol):
    """Rollouts readable by position, as a stream needs them."""

    @property
    def places(self) -> NDArray[np.int64]:
        """Location and shape: int64 (rollouts, 6), a number for the set, index, shard, frames, height, width."""
        ...

    def read(self, positions: Iterable[int], threads: int = 0) -> Iterator[Tokens | NcaError]:
        """The tokens at ``positions``, in that order; the error if a rollout can't be read. 0 threads are as many as
        are set."""
        ...

    def of_epoch(self, epoch: int) -> Source:
        """What an epoch reads: itself, unless it is endless."""
        ...


def read_files(wanted: Iterable[Request], data: DataFolder, resources: Resources) -> Iterator[Tokens | NcaError]:
    """The tokens of each rollout from its shard, native or imported, checked against the file's checksums and its first
    rollout's digest, or from its recipe if they are not kept; ``nca verify`` checks all digests."""
    return _read_each(wanted, first_copy, data, resources)


def read_apart(wanted: Iterable[Request], data: DataFolder, resources: Resources) -> Iterator[Tokens | NcaError]:
    """Like ``read_files``, but without fetching whole shards from a bucket."""
    return _read_each(wanted, in_parts, data, resources)


def _read_each(
    wanted: Iterable[Request], opened: Callable[[Stored], ArrayFile], data: DataFolder, resources: Resources
) -> Iterator[Tokens | NcaError]:
    with threads_of(resources.threads) as pool:
        futures = ((_bytes(some), pool.submit(_read_some, some, opened, data)) for some in _together(wanted))
        for some in in_order(futures, resources.threads * GROUPS_PER_THREAD, resources.memory_mb * 2**20):
            yield from some


def _together(wanted: Iterable[Request]) -> Iterator[list[Request]]:
    """Successive rollouts of a shard, a few at a time."""
    numbered = enumerate(wanted)
    for _, some in groupby(numbered, lambda one: (one[0] // TOGETHER, one[1].rollout.set, one[1].shard)):
        yield [one for _, one in some]


def _bytes(some: list[Request]) -> int:
    return sum(prod(one.shape) for one in some)


def read_recipes(wanted: Iterable[Request], data: DataFolder, resources: Resources) -> Iterator[Tokens]:
    """The tokens of each rollout, simulated from its recipe for the requested frames; on a GPU they stay there.

    Raises ``NcaError`` if there is no vocabulary yet, or if a rollout is imported.
    """
    from nca_assets.automaton.engine import choose_machine, simulate_each, simulate_kept
    from nca_assets.vocabulary.centroids import load_centroids

    machine, centroids = choose_machine(resources), load_centroids(data)
    for frames, alike in groupby(wanted, lambda one: one.shape[0]):
        rules = (data.rule(one.rollout.set, one.rollout.index) for one in alike)
        if machine.device == "cpu":
            yield from simulate_each(rules, centroids, frames, machine, lambda _, tokens: tokens)
        else:
            yield from simulate_kept(rules, centroids, frames, machine)


def _read_some(
    some: list[Request], opened: Callable[[Stored], ArrayFile], data: DataFolder
) -> list[NDArray[np.uint8] | NcaError]:
    with ExitStack() as stack:
        archive = cache(lambda file: stack.enter_context(Archive(opened(file))))
        return [_read_or_error(one, archive, data) for one in some]


def _read_or_error(
    wanted: Request, archive: Callable[[Stored], Archive], data: DataFolder
) -> NDArray[np.uint8] | NcaError:
    try:
        return _read(wanted, ShardKey(wanted.rollout.set, wanted.shard), archive, data)
    except NcaError as error:
        return error


def _read(wanted: Request, key: ShardKey, archive: Callable[[Stored], Archive], data: DataFolder) -> NDArray[np.uint8]:
    file, array, position = _place(key, wanted.rollout.index, data)
    with reading(file, restore(key), f"is damaged at {array}"):
        try:
            there = archive(file)
        except FileNotFoundError:
            if key.imported:
                raise
            return _of_shape(wanted.shape, simulate_dropped(wanted.rollout, key, data))
        tokens = _of_shape(wanted.shape, there.tokens(array, position))
        _require_own(key, data, there.file, *there.version)
        return tokens


def _of_shape(shape: tuple[int, ...], tokens: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if tokens.shape != shape:
        raise ValueError(f"shape {tokens.shape}, not {shape}")
    return tokens


@lru_cache(maxsize=16_384)
def _require_own(key: ShardKey, data: DataFolder, file: ArrayFile, _time: int, _size: int) -> None:
    """Raise ``ValueError`` if the first rollout in ``file`` is not that of shard ``key``, as in another shard's file,
    whose arrays may have the same names. A damaged manifest or rollout tells nothing, and an object's bytes are those
    of its tag."""
    if not isinstance(file, Path):
        return
    try:
        first = cached_manifest(key, data).members[0]
        tokens = read_tokens(file, first.key, first.position)
    except Exception:  # of many types, each reported where that manifest or rollout itself is read
        return
    if rollout_digest(tokens) != first.digest:
        raise ValueError(f"{first.place} differs from its digest in the manifest")


def _place(key: ShardKey, index: int, data: DataFolder) -> tuple[Stored, str, int | None]:
    """The file, array and position of a rollout; for native ones, computed from the index without the manifest."""
    if not key.imported:
        return data.tokens_file(key), member_name(index), None
    manifest = cached_manifest(key, data)
    member = member_of(key, data, manifest, index)
    return manifest.tokens_file(data), member.key, member.position
