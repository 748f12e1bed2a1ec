"""Other people's token shards: ``.npz`` files registered where they lie, with a digest of every rollout.

Their rollouts are labelled and queried like ours, but no recipe gives them, so none is claimed to be reproducible.
"""

from __future__ import annotations

import re
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from nca_assets.errors import NcaError
from nca_assets.files import whole_file
from nca_assets.naming import IMPORTED_NAME, RolloutId, ShardKey, imported_shards
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import FEWEST_FRAMES
from nca_assets.shards.findings import forget
from nca_assets.shards.manifest import rollout_digest, shard_digest
from nca_assets.storage import Stored

MOST_TOKENS = 256
MOST_CELLS = 2**15 - 1
"""Of a frame; what the labels' columns hold."""


class ImportedMember(BaseModel):
    """One rollout of an imported shard: array ``key`` of the file, or entry ``position`` of it if it has four axes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int
    key: str
    position: int | None
    frames: int
    height: int
    width: int
    digest: str


class ImportedManifest(BaseModel):
    """What ``data/imported/NAME/shard_00000.json`` says; ``docs/SPEC.md`` describes each entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    set: str
    shard: int
    source: str
    digest: str
    token_counts: list[int]
    file_bytes: int
    seconds: float
    members: list[ImportedMember]


def read_imported_manifest(key: ShardKey, data: Stored) -> ImportedManifest:
    """The manifest of imported shard ``key``. Raises ``NcaError`` if it is missing or damaged."""
    file = key.manifest_file(data)
    try:
        return ImportedManifest.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise NcaError(f"{file} is missing: register the shard with 'nca import shards FOLDER'") from None
    except ValidationError as error:
        raise NcaError(f"{file} is damaged ({error.errors()[0]['msg']}): import {key} again") from error


def shard_keys(folder: Path, name: str, data: Stored) -> dict[ShardKey, Path]:
    """The shards that the ``.npz`` files in ``folder`` are, or become, in the imported set ``name``.

    A file that is registered keeps its shard, others follow in order of name. Raises ``NcaError`` if the name is unfit
    or there is no such file.
    """
    if not re.fullmatch(IMPORTED_NAME, name):
        raise NcaError(
            f"a set can't be called {name!r}: give --name in lower-case letters, digits and '_', not like set1"
        )
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise NcaError(f"{folder} holds no .npz file")
    known = {read_imported_manifest(key, data).source: key for key in imported_shards(data) if key.set == name}
    keys = {known[str(file.resolve())]: file for file in files if str(file.resolve()) in known}
    new = [file for file in files if str(file.resolve()) not in known]
    return keys | {ShardKey(name, number): file for number, file in enumerate(new, start=len(known))}


def register(key: ShardKey, source: Path | None, data: Stored) -> ImportedManifest:
    """Read every rollout of ``source``, by default the file registered before, and write the manifest of shard ``key``.

    Rollouts are numbered on from the shard before it. Raises ``NcaError`` naming file and array if there is none, or
    one is not of shape (T, H, W) or (N, T, H, W), of integers in [0, 256), with at least 129 frames; or if the file no
    longer holds as many rollouts as the shard had.
    """
    known = read_imported_manifest(key, data) if key.manifest_file(data).exists() else None
    if source is None:
        source = Path((known or read_imported_manifest(key, data)).source)
    before = ShardKey(key.set, key.number - 1)
    first = read_imported_manifest(before, data).members[-1].index + 1 if key.number else 0
    started = time.perf_counter()
    members: list[ImportedMember] = []
    counts = np.zeros(MOST_TOKENS, dtype=np.int64)
    for name, position, tokens in _arrays(source):
        frames, height, width = tokens.shape
        members.append(
            ImportedMember(
                index=first + len(members), key=name, position=position,
                frames=frames, height=height, width=width, digest=rollout_digest(tokens),
            )
        )  # fmt: skip
        counts += np.bincount(tokens.ravel(), minlength=MOST_TOKENS)
    if not members:
        raise NcaError(f"{source} holds no array: give .npz files with arrays (T, H, W) or (N, T, H, W)")
    if known and len(known.members) != len(members):
        raise NcaError(
            f"{source} holds {len(members)} rollouts, {key} has {len(known.members)}: import it under another name"
        )
    manifest = ImportedManifest(
        set=key.set,
        shard=key.number,
        source=str(source.resolve()),
        digest=shard_digest(member.digest for member in members),
        token_counts=counts.tolist(),
        file_bytes=source.stat().st_size,
        seconds=time.perf_counter() - started,
        members=members,
    )
    with whole_file(key.manifest_file(data)) as file:
        file.write(manifest.model_dump_json(indent=1).encode())
    forget(key, data)
    return manifest


def read_imported(
    key: ShardKey, data: Stored, progress: Progress = unwatched
) -> Iterator[tuple[ImportedMember, NDArray[np.uint8]]]:
    """Each rollout of imported shard ``key``, uint8 (frames, height, width), in order of index.

    Raises ``NcaError`` naming the rollout when the source is missing, or not what it was when it was registered.
    """
    manifest = read_imported_manifest(key, data)
    source = Path(manifest.source)
    found = _arrays(source)
    for done, member in enumerate(manifest.members, start=1):
        name, position, tokens = next(found, (None, None, None))
        if tokens is None or (name, position) != (member.key, member.position):
            raise NcaError(f"{source}: {_place(member.key, member.position)} is missing: put it back, or import again")
        if rollout_digest(tokens) != member.digest:
            raise NcaError(
                f"{source}: {_place(member.key, member.position)} ({key.set}/{member.index:06d}) is not what it was "
                "when it was imported: put it back, or import again"
            )
        yield member, tokens
        progress(done, len(manifest.members))


def find_imported(rollout: RolloutId, data: Stored) -> NDArray[np.uint8]:
    """The tokens of a rollout of an imported set. Raises ``NcaError`` if there is none of that name."""
    for key in imported_shards(data):
        if key.set == rollout.set:
            members = read_imported_manifest(key, data).members
            if members[0].index <= rollout.index <= members[-1].index:
                return next(tokens for member, tokens in read_imported(key, data) if member.index == rollout.index)
    raise NcaError(f"{rollout} is not there: {data / 'imported'} holds no such rollout")


def _arrays(source: Path) -> Iterator[tuple[str, int | None, NDArray[np.uint8]]]:
    try:
        with np.load(source, allow_pickle=False) as shard:
            for name in shard.files:
                array = shard[name]
                _require_tokens(array, f"{source}: {name}")
                if array.ndim == 3:
                    yield name, None, np.ascontiguousarray(array, dtype=np.uint8)
                else:
                    for position, movie in enumerate(array):
                        yield name, position, np.ascontiguousarray(movie, dtype=np.uint8)
    except FileNotFoundError:
        raise NcaError(f"{source} is missing: put it back, or import again") from None
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise NcaError(f"{source} is no readable .npz of plain arrays ({error})") from error


def _require_tokens(array: NDArray[Any], name: str) -> None:
    if array.ndim not in (3, 4) or not np.issubdtype(array.dtype, np.integer):
        raise NcaError(f"{name} is {array.dtype} {array.shape}, not integers (T, H, W) or (N, T, H, W)")
    frames, height, width = array.shape[-3:]
    if frames < FEWEST_FRAMES:
        raise NcaError(f"{name} has {frames} frames, labels need at least {FEWEST_FRAMES}")
    if not 1 <= height * width <= MOST_CELLS:
        raise NcaError(f"{name} has frames of {height}x{width} cells, beyond 1 to {MOST_CELLS}")
    if array.size and not (array.min() >= 0 and array.max() < MOST_TOKENS):
        raise NcaError(f"{name} holds {array.min()} to {array.max()}, beyond tokens 0 to {MOST_TOKENS - 1}")


def _place(key: str, position: int | None) -> str:
    return key if position is None else f"{key}[{position}]"
