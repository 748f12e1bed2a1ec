"""The manifest beside each shard: what is in it, by which recipe and vocabulary, and the digests of its tokens."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from nca_assets.errors import NcaError
from nca_assets.naming import ShardKey
from nca_assets.storage import Stored


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
    members: list[Member]

    @property
    def tokens(self) -> int:
        """How many tokens the shard holds."""
        return sum(self.token_counts)


def rollout_digest(tokens: NDArray[np.uint8]) -> str:
    """SHA-256, in hex, of a rollout (frames, height, width): the three sizes as little-endian uint32, then the tokens
    in (t, y, x) order."""
    content = hashlib.sha256(struct.pack("<3I", *tokens.shape))
    content.update(np.ascontiguousarray(tokens).data)
    return content.hexdigest()


def shard_digest(rollout_digests: Iterable[str]) -> str:
    """SHA-256, in hex, of the rollouts' 32-byte digests in order of index."""
    return hashlib.sha256(b"".join(bytes.fromhex(digest) for digest in rollout_digests)).hexdigest()


def read_manifest(key: ShardKey, data: Stored) -> Manifest:
    """The manifest of shard ``key``. Raises ``NcaError`` if the shard was never materialized or the file is damaged."""
    file = key.manifest_file(data)
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise NcaError(f"{file} is missing: materialize partition {key} of rollout_shards") from None
    except ValidationError as error:
        raise NcaError(
            f"{file} is damaged ({error.errors()[0]['msg']}): materialize partition {key} of rollout_shards again"
        ) from error
