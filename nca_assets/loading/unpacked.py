"""Unpacked shards for training: memory-mapped tokens, read at the speed of memory, at five times the size on disk.

``data/unpacked/set1/shard_00000-DIGEST.tokens`` holds a shard's rollouts consecutively, each (frames, height, width)
uint8. The digest is the shard's, so changed shards are unpacked again. The files can be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.loading.readers import Request
from nca_assets.settings import Resources
from nca_assets.shards.manifest import Manifest, cached_manifest, read_manifest
from nca_assets.shards.read import read_rollouts
from nca_assets.store.store import cache_of, whole_file


def read_unpacked(
    wanted: Iterable[Request], data: DataFolder, _resources: Resources
) -> Iterator[NDArray[np.uint8] | NcaError]:
    """The tokens of each rollout, mapped from its unpacked shard, which is written on first use.

    Unpacking checks the digest of every rollout.
    """
    for one in wanted:
        try:
            key = ShardKey(one.rollout.set, one.shard)
            tokens, places = _map(key, data, cached_manifest(key, data).digest)
            start, shape = places[one.rollout.index]
            yield tokens[start : start + int(np.prod(shape))].reshape(shape)
        except NcaError as error:
            yield error


def unpack(key: ShardKey, data: DataFolder) -> Path:
    """Unpack shard ``key`` unless already done; returns the file. Raises ``NcaError`` if the shard is missing or
    damaged, or the file can't be written."""
    manifest = read_manifest(key, data)
    file = _file(key, manifest, data)
    if not file.exists():
        with whole_file(file) as unpacked:
            for _, tokens in read_rollouts(key, data, manifest):
                unpacked.write(np.ascontiguousarray(tokens).data)
        for older in set(file.parent.glob(f"shard_{key.number:05d}-*.tokens")) - {file}:
            older.unlink(missing_ok=True)
    return file


Places = dict[int, tuple[int, tuple[int, int, int]]]
"""Offset in the unpacked file and shape of each rollout, by index."""


@lru_cache(maxsize=16)
def _map(key: ShardKey, data: DataFolder, _digest: str) -> tuple[NDArray[np.uint8], Places]:
    manifest = read_manifest(key, data)
    places: Places = {}
    start = 0
    for member in manifest.members:
        places[member.index] = start, member.shape
        start += int(np.prod(member.shape))
    # Copy-on-write, since torch does not accept read-only memory.
    return np.memmap(unpack(key, data), np.uint8, mode="c"), places


def _file(key: ShardKey, manifest: Manifest, data: DataFolder) -> Path:
    return cache_of(data.root) / "unpacked" / key.set / f"shard_{key.number:05d}-{manifest.digest[:16]}.tokens"
