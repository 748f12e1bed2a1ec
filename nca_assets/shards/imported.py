"""Other people's token shards: ``.npz`` files registered where they lie, with a digest of every rollout.

Their rollouts are labelled and queried like ours, but no recipe gives them, so none is claimed to be reproducible.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import IMPORTED_NAME, RolloutId, ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.remedies import remake
from nca_assets.settings import MIN_FRAMES
from nca_assets.shards.counting import token_counts
from nca_assets.shards.findings import forget
from nca_assets.shards.manifest import rollout_digest, shard_digest, write_manifest
from nca_assets.shards.read import reading
from nca_assets.store.seal import BLANK, read_sealed

REMEDY = "put it back, or import again"

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
    members: list[ImportedMember] = Field(min_length=1)
    seal: str = BLANK

    def contradiction(self, key: ShardKey) -> str | None:
        """What in it contradicts the rest or the shard ``key`` that it is of, if anything does."""
        first = self.members[0].index
        if (self.set, self.shard) != (key.set, key.number):
            return f"it is of {ShardKey(self.set, self.shard)}"
        if [member.index for member in self.members] != list(range(first, first + len(self.members))):
            return "its rollouts do not follow each other"
        if sum(self.token_counts) != sum(m.frames * m.height * m.width for m in self.members):
            return "its token counts do not add up to the tokens of its rollouts"
        if self.digest != shard_digest(member.digest for member in self.members):
            return "its digest is not that of its rollouts"
        return None


def read_imported_manifest(key: ShardKey, data: DataFolder) -> ImportedManifest:
    """The manifest of imported shard ``key``.

    Raises ``DamageError`` if it is missing, damaged or contradicts itself.
    """
    file, remedy = data.manifest_file(key), remake(key)
    content = read_sealed(file, data.root, remedy)
    try:
        manifest = ImportedManifest.model_validate_json(content)
    except ValidationError as error:
        raise DamageError(f"{file} is damaged ({error.errors()[0]['msg']}): {remedy}") from error
    if contradiction := manifest.contradiction(key):
        raise DamageError(f"{file} contradicts itself ({contradiction}): {remedy}")
    return manifest


def shard_keys(folder: Path, name: str, data: DataFolder) -> dict[ShardKey, Path]:
    """The shards that the ``.npz`` files in ``folder`` are, or become, in the imported set ``name``.

    A file that is registered keeps its shard. Others, in order of name, take the numbers that are free or whose
    manifests are damaged. Raises ``NcaError`` if the name is unfit or there is no such file.
    """
    if not re.fullmatch(IMPORTED_NAME, name):
        raise NcaError(
            f"a set can't be called {name!r}: give --name in lower-case letters, digits and '_', not like set1"
        )
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise NcaError(f"{folder} holds no .npz file")
    known = {manifest.source: key for key, manifest in _sound_manifests(name, data)}
    free = (key for number in count() if (key := ShardKey(name, number)) not in known.values())
    return dict(sorted((known.get(str(file.resolve())) or next(free), file) for file in files))


def _sound_manifests(name: str, data: DataFolder) -> Iterator[tuple[ShardKey, ImportedManifest]]:
    """The shards of imported set ``name`` whose manifests can be read."""
    for key in data.imported_shards():
        if key.set == name and (manifest := _sound_manifest(key, data)):
            yield key, manifest


def _sound_manifest(key: ShardKey, data: DataFolder) -> ImportedManifest | None:
    """The manifest of imported shard ``key``, or None if it is missing or damaged."""
    with suppress(DamageError):
        return read_imported_manifest(key, data)


def register(key: ShardKey, source: Path | None, data: DataFolder) -> ImportedManifest:
    """Read every rollout of ``source``, by default the file registered before, and write the manifest of shard ``key``.

    Rollouts are numbered on from the shard before it. Raises ``NcaError`` naming file and array if there is none, or
    one is not of shape (T, H, W) or (N, T, H, W), of integers in [0, 256), with at least 129 frames; or if the file no
    longer holds as many rollouts as the shard had.
    """
    known = _sound_manifest(key, data)
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
        counts += token_counts(tokens)
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
    write_manifest(manifest, key, data)
    forget(data.finding_file(key))
    return manifest


def read_imported(
    key: ShardKey, data: DataFolder, progress: Progress = unwatched
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
            raise DamageError(f"{source}: {_place(member.key, member.position)} is missing: {REMEDY}")
        if rollout_digest(tokens) != member.digest:
            raise DamageError(
                f"{source}: {_place(member.key, member.position)} ({key.set}/{member.index:06d}) is not what it was "
                f"when it was imported: {REMEDY}"
            )
        yield member, tokens
        progress(done, len(manifest.members))


def find_imported(rollout: RolloutId, data: DataFolder) -> NDArray[np.uint8]:
    """The tokens of a rollout of an imported set. Raises ``NcaError`` if there is none of that name."""
    for key, manifest in _sound_manifests(rollout.set, data):
        if manifest.members[0].index <= rollout.index <= manifest.members[-1].index:
            return next(tokens for member, tokens in read_imported(key, data) if member.index == rollout.index)
    raise NcaError(f"{rollout} is not there: no sound manifest in {data / 'imported'} has it")


def _arrays(source: Path) -> Iterator[tuple[str, int | None, NDArray[np.uint8]]]:
    fault = "is no readable .npz of plain arrays"
    with reading(source, REMEDY, fault), np.load(source, allow_pickle=False) as shard:
        for name in shard.files:
            array = shard[name]
            _require_tokens(array, f"{source}: {name}")
            if array.ndim == 3:
                yield name, None, np.ascontiguousarray(array, dtype=np.uint8)
            else:
                for position, movie in enumerate(array):
                    yield name, position, np.ascontiguousarray(movie, dtype=np.uint8)


def _require_tokens(array: NDArray[Any], name: str) -> None:
    if array.ndim not in (3, 4) or not np.issubdtype(array.dtype, np.integer):
        raise DamageError(f"{name} is {array.dtype} {array.shape}, not integers (T, H, W) or (N, T, H, W)")
    frames, height, width = array.shape[-3:]
    if frames < MIN_FRAMES:
        raise DamageError(f"{name} has {frames} frames, labels need at least {MIN_FRAMES}")
    if not 1 <= height * width <= MOST_CELLS:
        raise DamageError(f"{name} has frames of {height}x{width} cells, beyond 1 to {MOST_CELLS}")
    if array.size and not (array.min() >= 0 and array.max() < MOST_TOKENS):
        raise DamageError(f"{name} holds {array.min()} to {array.max()}, beyond tokens 0 to {MOST_TOKENS - 1}")


def _place(key: str, position: int | None) -> str:
    return key if position is None else f"{key}[{position}]"
