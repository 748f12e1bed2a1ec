"""Unpacked shards for training: memory-mapped tokens, read at the speed of memory, at five times the size on disk.

``data/unpacked/set1/shard_00000-DIGEST.tokens`` holds a shard's rollouts consecutively, each (frames, height, width)
uint8. The digest is the shard's, so changed shards are unpacked again. A process checks each rollout against its digest
when it first reads it. The files can be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import ShardKey
from nca_assets.loading.readers import Request
from nca_assets.settings import Resources, load
from nca_assets.shards.manifest import Manifest, Member, manifest_stamp, read_manifest, rollout_digest
from nca_assets.shards.read import read_rollouts
from nca_assets.store.store import cache_of, whole_file

MAPPED = 16_384
"""Shards mapped at a time; Linux allows a process 65,530 mappings."""


def read_unpacked(
    wanted: Iterable[Request], data: DataFolder, _resources: Resources
) -> Iterator[NDArray[np.uint8] | NcaError]:
    """The tokens of each rollout, mapped from its unpacked shard, which is written on first use."""
    for (name, number), alike in groupby(wanted, lambda one: (one.rollout.set, one.shard)):
        key = ShardKey(name, number)
        shard: _Unpacked | NcaError
        try:
            shard = _map(key, data, manifest_stamp(key, data))
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


def verify_unpacked(data: DataFolder) -> tuple[int, list[str]]:
    """The number of unpacked files of current shards, and a line for each that is damaged."""
    files: list[Path] = []
    findings: list[str] = []
    for key in [*data.shards(), *data.imported_shards()]:
        with suppress(DamageError):  # a finding of the shard
            manifest = read_manifest(key, data)
            if not (file := _file(key, manifest, data)).exists():
                continue
            files.append(file)
            try:
                shard = _opened(file, manifest)
                for number in range(len(manifest.members)):
                    shard.checked(number)
            except DamageError as error:
                findings.append(str(error))
    return len(files), findings


@dataclass(frozen=True)
class _Unpacked:
    """A mapped shard: its file, all its tokens, its rollouts, where each begins, and which this process has checked."""

    file: Path
    tokens: NDArray[np.uint8]
    members: list[Member]
    begin: list[int]
    sound: set[int]

    def rollout(self, one: Request) -> NDArray[np.uint8] | NcaError:
        number = one.rollout.index - self.members[0].index
        if self.members[number].shape != one.shape:
            there = self.members[number].shape
            return NcaError(f"{one.rollout} has tokens of {there}, not {one.shape}: open the source again")
        try:
            return self.checked(number)
        except DamageError as error:
            return error

    def checked(self, number: int) -> NDArray[np.uint8]:
        """The tokens of its rollout ``number``. Raises ``DamageError`` if they are not those of the digest."""
        member = self.members[number]
        tokens = self.tokens[self.begin[number] : self.begin[number + 1]].reshape(member.shape)
        if number not in self.sound and rollout_digest(tokens) != member.digest:
            raise _damaged(self.file, f"rollout {member.index} differs from its digest in the manifest")
        self.sound.add(number)
        return tokens


@lru_cache(maxsize=MAPPED)
def _map(key: ShardKey, data: DataFolder, _stamp: int) -> _Unpacked:
    return _opened(unpack(key, data), read_manifest(key, data))


def _opened(file: Path, manifest: Manifest) -> _Unpacked:
    """The mapped ``file``. Raises ``DamageError`` if it is none, or has another size than the rollouts."""
    begin = np.cumsum([0, *(prod(member.shape) for member in manifest.members)]).tolist()
    if not file.is_file() or file.stat().st_size != begin[-1]:
        raise _damaged(file, f"it does not hold {begin[-1]} bytes")
    # Copy-on-write, since torch does not accept read-only memory.
    tokens = np.asarray(np.memmap(file, np.uint8, mode="c"))
    return _Unpacked(file, tokens, manifest.members, begin, set())


def _damaged(file: Path, what: str) -> DamageError:
    return DamageError(f"{file} is damaged ({what}): remove it, and the shard is unpacked again when it is read")


def _file(key: ShardKey, manifest: Manifest, data: DataFolder) -> Path:
    return cache_of(data.root) / "unpacked" / key.set / f"shard_{key.number:05d}-{manifest.digest[:16]}.tokens"
