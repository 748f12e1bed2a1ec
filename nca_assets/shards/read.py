"""Reading shards back, held to their manifests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError, TransientError
from nca_assets.ids import ShardKey, member_name
from nca_assets.remedies import remake
from nca_assets.shards.manifest import Manifest, Member, read_manifest, rollout_digest
from nca_assets.store.location import Stored
from nca_assets.store.refusals import clear_errors, is_transient


def read_rollouts(key: ShardKey, data: DataFolder, manifest: Manifest) -> Iterator[tuple[Member, NDArray[np.uint8]]]:
    """Each rollout of shard ``key`` with its tokens, uint8 (frames, height, width), in order of index.

    Raises ``DamageError`` naming shard and rollout when the file is missing, damaged, or not what the manifest says.
    """
    file, remedy = data.tokens_file(key), remake(key)
    with reading(file, remedy), file.open("rb") as opened, np.load(opened, allow_pickle=False) as shard:
        for member in manifest.members:
            name = f"{file}: {member_name(member.index)}"
            if member_name(member.index) not in shard:
                raise DamageError(f"{name} is missing: {remedy}")
            tokens = shard[member_name(member.index)]
            _require(tokens, member, manifest.frames, name, remedy)
            yield member, tokens


@contextmanager
def reading(file: Stored, remedy: str, fault: str = "is damaged") -> Iterator[None]:
    """Raise what reading an ``.npz`` fails with as ``DamageError``, or ``TransientError`` if the disk did not answer.

    Damaged archives lead NumPy and ``zipfile`` to raise exceptions of many types.
    """
    try:
        with clear_errors():
            yield
    except NcaError:
        raise
    except FileNotFoundError:
        raise DamageError(f"{file} is missing: {remedy}") from None
    except Exception as error:
        if isinstance(error, OSError) and is_transient(error):
            raise TransientError(f"{file} can't be read: {error.strerror}. Try again.") from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamageError(f"{file} {fault} ({reason}): {remedy}") from error


def read_rollout(key: ShardKey, data: DataFolder, index: int) -> NDArray[np.uint8]:
    """The tokens of one rollout, uint8 (frames, height, width), without reading the rest of its shard.

    Raises ``NcaError`` as ``read_rollouts`` does, and if the manifest does not list the rollout.
    """
    manifest = read_manifest(key, data)
    wanted = [member for member in manifest.members if member.index == index]
    if not wanted:
        raise NcaError(_not_in_shard(key, data, manifest, index))
    return next(read_rollouts(key, data, manifest.model_copy(update={"members": wanted})))[1]


def _not_in_shard(key: ShardKey, data: DataFolder, manifest: Manifest, index: int) -> str:
    first, last = member_name(manifest.members[0].index), member_name(manifest.members[-1].index)
    return f"{data.manifest_file(key)} lists {first} to {last}, but not {member_name(index)}: {remake(key)}"


def _require(tokens: NDArray[np.uint8], member: Member, frames: int, name: str, remedy: str) -> None:
    expected = (frames, member.height, member.width)
    if tokens.dtype != np.uint8 or tokens.shape != expected:
        raise DamageError(f"{name} is {tokens.dtype} {tokens.shape}, not uint8 {expected}: {remedy}")
    if tokens.max() >= TOKENS:
        raise DamageError(f"{name} holds token {tokens.max()}, beyond {TOKENS - 1}: {remedy}")
    if rollout_digest(tokens) != member.digest:
        raise DamageError(f"{name} differs from its digest in the manifest: {remedy}")
