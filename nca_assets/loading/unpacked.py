"""Shards unpacked for training: their tokens as in memory, read as fast as memory, at five times the size on disk.

``data/unpacked/set1/shard_00000-DIGEST.tokens`` holds a shard's rollouts one after the other, each (frames, height,
width) uint8. The digest is the shard's, so one that was materialized anew is unpacked anew. Delete them at will.
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
    """The tokens of each rollout, mapped from its unpacked shard, which is written when it is first asked for.

    Unpacking holds every rollout to its digest.
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
    """Unpack shard ``key`` unless that is done; returns the file. Raises ``NcaError`` if the shard is missing or
    damaged, or the disk refuses."""
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
"""Where each rollout begins in the unpacked file, and its shape."""


@lru_cache(maxsize=16)
def _map(key: ShardKey, data: DataFolder, _digest: str) -> tuple[NDArray[np.uint8], Places]:
    manifest = read_manifest(key, data)
    places: Places = {}
    start = 0
    for member in manifest.members:
        places[member.index] = start, member.shape
        start += int(np.prod(member.shape))
    # Copied on write, since torch takes no memory that can't be written to.
    return np.memmap(unpack(key, data), np.uint8, mode="c"), places


def _file(key: ShardKey, manifest: Manifest, data: DataFolder) -> Path:
    return cache_of(data.root) / "unpacked" / key.set / f"shard_{key.number:05d}-{manifest.digest[:16]}.tokens"
