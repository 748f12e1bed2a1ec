"""The manifest of a shard: its rollouts, their digests, the location of their tokens, and the inputs of these."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.ids import ShardKey, member_name
from nca_assets.remedies import remake
from nca_assets.store.location import Stored, parse_location
from nca_assets.store.seal import BLANK, read_sealed, write_sealed
from nca_assets.store.store import stamp


class Member(BaseModel):
    """One rollout of a shard: array ``key`` of its file or, if that has four axes, entry ``position`` of the array."""

    # What a newer release adds is passed over, so that its shards can be read.
    model_config = ConfigDict(frozen=True, extra="ignore")

    index: int
    frames: int
    height: int
    width: int
    digest: str
    key: str = Field(default_factory=lambda entries: member_name(entries["index"]))
    position: int | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, height and width."""
        return self.frames, self.height, self.width

    @property
    def place(self) -> str:
        """Its place in the file, for messages."""
        return self.key if self.position is None else f"{self.key}[{self.position}]"


class Manifest(BaseModel):
    """The content of a shard's JSON file; ``docs/SPEC.md`` describes each entry.

    Native shards have a ``recipe_version``, a ``centroids_digest`` and a ``device``, imported ones a ``source``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    set: str
    shard: int
    source: str | None = None
    recipe_version: int | None = None
    centroids_digest: str | None = None
    device: str | None = None
    tokens_kept: bool = True
    digest: str
    token_counts: list[int]
    file_bytes: int
    seconds: float
    members: list[Member] = Field(min_length=1)
    seal: str = BLANK

    @model_validator(mode="before")
    @classmethod
    def _give_members_their_frames(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Those of all rollouts, if the manifest gives them once."""
        if "frames" not in content:
            return content
        content = dict(content)
        frames = content.pop("frames")
        return {**content, "members": [{"frames": frames, **member} for member in content.get("members", [])]}

    @property
    def frames(self) -> int:
        """Frames of its longest rollout."""
        return max(member.frames for member in self.members)

    @property
    def tokens(self) -> int:
        """The number of tokens in the shard."""
        return sum(self.token_counts)

    def tokens_file(self, data: DataFolder) -> Stored:
        """Path of the shard's tokens."""
        return parse_location(self.source) if self.source else data.tokens_file(ShardKey(self.set, self.shard))

    def contradiction(self, key: ShardKey) -> str | None:
        """How it contradicts itself or its shard ``key``, if it does."""
        first = self.members[0].index if key.imported else key.number * len(self.members)
        if (self.set, self.shard) != (key.set, key.number):
            return f"it belongs to {ShardKey(self.set, self.shard)}"
        if (self.source is None) == key.imported or (self.recipe_version is None) != key.imported:
            return "its tokens have no origin, or two"
        if [member.index for member in self.members] != list(range(first, first + len(self.members))):
            return f"its rollouts are not {first} to {first + len(self.members) - 1}"
        if self.tokens != sum(member.frames * member.height * member.width for member in self.members):
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


def cached_manifest(key: ShardKey, data: DataFolder) -> Manifest:
    """As ``read_manifest``, cached for reading single rollouts: until the file changes or, in a bucket, for good."""
    return _manifest(key, data, manifest_stamp(key, data))


def manifest_stamp(key: ShardKey, data: DataFolder) -> int:
    """A number that changes with the shard's manifest; 0 if it is missing, as reading it will say."""
    try:
        return stamp(data.manifest_file(key))
    except OSError:
        return 0


@lru_cache(maxsize=16)
def _manifest(key: ShardKey, data: DataFolder, _time: int) -> Manifest:
    return read_manifest(key, data)


def write_manifest(manifest: Manifest, key: ShardKey, data: DataFolder) -> None:
    """Write the manifest of shard ``key``, which has a blank seal. Raises ``NcaError`` if the disk refuses.

    Millions of rollouts have an entry, so what follows from the rest is left out: half of the size.
    """
    content = manifest.model_dump(exclude_none=True)
    frames = {member.frames for member in manifest.members}
    implied = set() if key.imported else {"key"}
    if len(frames) == 1:
        content = {"frames": frames.pop(), **content}
        implied.add("frames")
    content["members"] = [
        {name: value for name, value in member.items() if name not in implied} for member in content["members"]
    ]
    write_sealed(json.dumps(content, separators=(",", ":")).encode(), data.manifest_file(key), data.root)
