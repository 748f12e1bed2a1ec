"""The manifest beside each shard: what is in it, by which recipe and vocabulary, and the digests of its tokens."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.ids import ShardKey
from nca_assets.remedies import remake
from nca_assets.store.seal import BLANK, read_sealed, write_sealed


class Member(BaseModel):
    """One rollout of a shard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int
    height: int
    width: int
    digest: str


class Manifest(BaseModel):
    """What the JSON file beside a shard says; ``docs/SPEC.md`` describes each entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    set: str
    shard: int
    frames: int
    recipe_version: int
    centroids_digest: str
    digest: str
    token_counts: list[int]
    file_bytes: int
    device: str
    seconds: float
    members: list[Member] = Field(min_length=1)
    seal: str = BLANK

    @property
    def tokens(self) -> int:
        """How many tokens the shard holds."""
        return sum(self.token_counts)

    def contradiction(self, key: ShardKey) -> str | None:
        """What in it contradicts the rest or the shard ``key`` that it is of, if anything does."""
        first = key.number * len(self.members)
        if (self.set, self.shard) != (key.set, key.number):
            return f"it is of {ShardKey(self.set, self.shard)}"
        if [member.index for member in self.members] != list(range(first, first + len(self.members))):
            return f"its rollouts are not {first} to {first + len(self.members) - 1}"
        if self.tokens != self.frames * sum(member.height * member.width for member in self.members):
            return "its token counts do not add up to the tokens of its rollouts"
        if self.digest != shard_digest(member.digest for member in self.members):
            return "its digest is not that of its rollouts"
        return None


def rollout_digest(tokens: NDArray[np.uint8]) -> str:
    """SHA-256, in hex, of a rollout (frames, height, width): the three sizes as little-endian uint32, then the tokens
    in (t, y, x) order."""
    content = hashlib.sha256(struct.pack("<3I", *tokens.shape))
    content.update(np.ascontiguousarray(tokens).data)
    return content.hexdigest()


def shard_digest(rollout_digests: Iterable[str]) -> str:
    """SHA-256, in hex, of the rollouts' 32-byte digests in order of index."""
    return hashlib.sha256(b"".join(bytes.fromhex(digest) for digest in rollout_digests)).hexdigest()


def read_manifest(key: ShardKey, data: DataFolder) -> Manifest:
    """The manifest of shard ``key``. Raises ``DamageError`` if it is missing, damaged or contradicts itself."""
    file, remedy = data.manifest_file(key), remake(key)
    content = read_sealed(file, data.root, remedy)
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise DamageError(f"{file} is damaged ({error.errors()[0]['msg']}): {remedy}") from error
    if contradiction := manifest.contradiction(key):
        raise DamageError(f"{file} contradicts itself ({contradiction}): {remedy}")
    return manifest


def write_manifest(manifest: BaseModel, key: ShardKey, data: DataFolder) -> None:
    """Write the manifest of shard ``key``, which has a blank seal. Raises ``NcaError`` if the disk refuses."""
    write_sealed(manifest.model_dump_json(indent=1).encode(), data.manifest_file(key), data.root)
