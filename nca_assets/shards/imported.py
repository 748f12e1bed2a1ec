"""Importing shards: ``.npz`` files from elsewhere, registered in place, with a digest of every rollout.

Their rollouts are labeled and queried like native ones, but have no recipes and are not claimed to be reproducible.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import IMPORTED_NAME, ShardKey
from nca_assets.remedies import restore
from nca_assets.settings import MIN_FRAMES
from nca_assets.shards.archive import MAX_TOKENS, Archive, as_tokens
from nca_assets.shards.counting import token_counts
from nca_assets.shards.findings import clear_finding
from nca_assets.shards.manifest import Manifest, Member, read_manifest, rollout_digest, shard_digest, write_manifest
from nca_assets.shards.read import reading
from nca_assets.store.location import Stored
from nca_assets.store.store import local_copy, names

MAX_CELLS = 2**15 - 1
"""Cells of a frame, as the labels' columns can hold."""


def shard_keys(folder: Stored, name: str, data: DataFolder) -> dict[ShardKey, Stored]:
    """The ``.npz`` files in ``folder``, by their present or future shards in the imported set ``name``.

    Registered files keep their shards. Others, in order of name, take numbers that are free or whose manifests are
    damaged. Raises ``NcaError`` if the name is invalid or there is no such file.
    """
    if not re.fullmatch(IMPORTED_NAME, name):
        raise NcaError(
            f"a set can't be called {name!r}: give --name in lower-case letters, digits and '_', not like set1"
        )
    files = [folder / file for file in sorted(names(folder)) if file.endswith(".npz")]
    if not files:
        raise NcaError(f"{folder} holds no .npz file")
    known = {manifest.source: key for key, manifest in sound_manifests(name, data)}
    free = (key for number in count() if (key := ShardKey(name, number)) not in known.values())
    shards = {known.get(_address(file)) or next(free): file for file in files}
    return dict(sorted(shards.items(), key=lambda shard: shard[0]))


def sound_manifests(name: str, data: DataFolder) -> Iterator[tuple[ShardKey, Manifest]]:
    """The shards of imported set ``name`` with a sound manifest."""
    for key in data.imported_shards():
        if key.set == name and (manifest := _sound_manifest(key, data)):
            yield key, manifest


def _sound_manifest(key: ShardKey, data: DataFolder) -> Manifest | None:
    with suppress(DamageError):
        return read_manifest(key, data)


def register(key: ShardKey, source: Stored | None, data: DataFolder) -> Manifest:
    """Read every rollout of ``source``, by default the registered file, and write the manifest of shard ``key``.

    Numbering continues from the previous shard. Raises ``NcaError`` naming file and array if there is no array, or one
    is not of integers in [0, 256) and shape (T, H, W) or (N, T, H, W), with at least 129 frames; or if the number of
    rollouts has changed since the shard was registered.
    """
    known = _sound_manifest(key, data)
    if source is None:
        source = (known or read_manifest(key, data)).tokens_file(data)
    before = ShardKey(key.set, key.number - 1)
    first = read_manifest(before, data).members[-1].index + 1 if key.number else 0
    started = time.perf_counter()
    members: list[Member] = []
    counts = np.zeros(MAX_TOKENS, dtype=np.int64)
    for name, position, tokens in _rollouts(source, restore(key)):
        frames, height, width = tokens.shape
        members.append(
            Member(
                index=first + len(members), key=name, position=position,
                frames=frames, height=height, width=width, digest=rollout_digest(tokens),
            )
        )  # fmt: skip
        counts += token_counts(tokens)
    if not members:
        raise NcaError(f"{source} holds no array: give .npz files with arrays (T, H, W) or (N, T, H, W)")
    if known and len(known.members) != len(members):
        raise NcaError(
            f"{source} holds {len(members)} rollouts, {key} has {len(known.members)}: import it under another name"
        )
    manifest = Manifest(
        set=key.set,
        shard=key.number,
        source=_address(source),
        digest=shard_digest(member.digest for member in members),
        token_counts=counts.tolist(),
        file_bytes=source.stat().st_size,
        seconds=time.perf_counter() - started,
        members=members,
    )
    write_manifest(manifest, key, data)
    clear_finding(data.finding_file(key))
    return manifest


def _address(file: Stored) -> str:
    return str(file.resolve())


def _rollouts(source: Stored, remedy: str) -> Iterator[tuple[str, int | None, NDArray[np.uint8]]]:
    with reading(source, remedy, "is not a readable .npz of plain arrays"), Archive(local_copy(source)) as archive:
        for name in archive.names:
            tokens = _fit_tokens(archive.array(name), f"{source}: {name}")
            if tokens.ndim == 3:
                yield name, None, tokens
            else:
                for position, rollout in enumerate(tokens):
                    yield name, position, rollout


def _fit_tokens(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """``array`` as tokens. Raises ``DamageError`` if it does not hold tokens, or can't be labeled."""
    try:
        tokens = as_tokens(array)
    except ValueError as error:
        raise DamageError(f"{name} {error}") from error
    frames, height, width = tokens.shape[-3:]
    if frames < MIN_FRAMES:
        raise DamageError(f"{name} has {frames} frames, labels need at least {MIN_FRAMES}")
    if not 1 <= height * width <= MAX_CELLS:
        raise DamageError(f"{name} has frames of {height}x{width} cells, beyond 1 to {MAX_CELLS}")
    return tokens
