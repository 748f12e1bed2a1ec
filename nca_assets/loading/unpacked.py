"""Unpacked shards for training: memory-mapped tokens, read at the speed of memory, at five times the size on disk.

``data/unpacked/set1/shard_00000-DIGEST.tokens`` holds a shard's rollouts consecutively, each (frames, height, width)
uint8. The digest is the shard's, so changed shards are unpacked again. The files can be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.loading.readers import Request
from nca_assets.settings import Resources, load
from nca_assets.shards.manifest import Manifest, read_manifest
from nca_assets.shards.read import read_rollouts
from nca_assets.store.store import cache_of, stamp, whole_file

MAPPED = 16_384
"""Shards mapped at a time; Linux allows a process 65,530 mappings."""


def read_unpacked(
    wanted: Iterable[Request], data: DataFolder, _resources: Resources
) -> Iterator[NDArray[np.uint8] | NcaError]:
    """The tokens of each rollout, mapped from its unpacked shard, which is written on first use.

    Unpacking checks the digest of every rollout.
    """
    for (name, number), alike in groupby(wanted, lambda one: (one.rollout.set, one.shard)):
        key = ShardKey(name, number)
        shard: _Unpacked | NcaError
        try:
            shard = _map(key, data, _stamp(key, data))
        except NcaError as error:
            shard = error
        for one in alike:
            yield shard if isinstance(shard, NcaError) else shard.rollout(one)


def unpack(key: ShardKey, data: DataFolder) -> Path:
    """Unpack shard ``key`` unless already done; returns the file. Raises ``NcaError`` if the shard is missing or
    damaged, or the file can't be written."""
    manifest = read_manifest(key, data)
    file = _file(key, manifest, data)
    if not file.exists():
        with whole_file(file) as unpacked:
            for _, tokens in read_rollouts(key, data, manifest, load(Resources)):
                unpacked.write(np.ascontiguousarray(tokens).data)
        for older in set(file.parent.glob(f"shard_{key.number:05d}-*.tokens")) - {file}:
            older.unlink(missing_ok=True)
    return file


@dataclass(frozen=True)
class _Unpacked:
    """A mapped shard: all its tokens, its first rollout, and where each rollout begins."""

    tokens: NDArray[np.uint8]
    first: int
    begin: list[int]

    def rollout(self, one: Request) -> NDArray[np.uint8] | NcaError:
        begin, end = self.begin[one.rollout.index - self.first :][:2]
        tokens = self.tokens[begin:end]
        if tokens.size != prod(one.shape):
            return NcaError(f"{one.rollout} has {tokens.size} tokens, not those of {one.shape}: open the source again")
        return tokens.reshape(one.shape)


def _stamp(key: ShardKey, data: DataFolder) -> int:
    """What changes with the shard's manifest; 0 without one, for the error of reading it."""
    try:
        return stamp(data.manifest_file(key))
    except OSError:
        return 0


@lru_cache(maxsize=MAPPED)
def _map(key: ShardKey, data: DataFolder, _stamp: int) -> _Unpacked:
    manifest = read_manifest(key, data)
    begin = np.cumsum([0, *(prod(member.shape) for member in manifest.members)])
    # Copy-on-write, since torch does not accept read-only memory.
    tokens = np.asarray(np.memmap(unpack(key, data), np.uint8, mode="c"))
    return _Unpacked(tokens, manifest.members[0].index, begin.tolist())


def _file(key: ShardKey, manifest: Manifest, data: DataFolder) -> Path:
    return cache_of(data.root) / "unpacked" / key.set / f"shard_{key.number:05d}-{manifest.digest[:16]}.tokens"
