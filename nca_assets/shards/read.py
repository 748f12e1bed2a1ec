"""Reading shards, native or imported, checked against their manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError, TransientError
from nca_assets.ids import ShardKey, member_name
from nca_assets.remedies import remake, restore
from nca_assets.settings import Resources
from nca_assets.shards.archive import Archive, ArrayFile
from nca_assets.shards.manifest import Manifest, Member, read_manifest, rollout_digest
from nca_assets.shards.recipes import simulate_members
from nca_assets.store.location import Stored
from nca_assets.store.refusals import is_transient
from nca_assets.store.store import in_parts, local_copy

ONE_THREAD = Resources(device="cpu", threads=1)


def read_rollouts(
    key: ShardKey, data: DataFolder, manifest: Manifest, resources: Resources = ONE_THREAD
) -> Iterator[tuple[Member, NDArray[np.uint8]]]:
    """Each rollout of shard ``key`` with its tokens, uint8 (frames, height, width), in order of index; simulated with
    ``resources`` if its tokens are not kept.

    Raises ``DamageError`` naming file and array if the file is missing, damaged, or at odds with the manifest, and
    otherwise as ``simulate_members`` does.
    """
    if manifest.tokens_kept:
        return _read(key, data, manifest, manifest.members, local_copy)
    return simulate_members(key, data, manifest, manifest.members, resources)


def _read(
    key: ShardKey, data: DataFolder, manifest: Manifest, members: list[Member], opened: Callable[[Stored], ArrayFile]
) -> Iterator[tuple[Member, NDArray[np.uint8]]]:
    file, remedy = manifest.tokens_file(data), restore(key)
    with reading(file, remedy), Archive(opened(file)) as archive:
        names = set(archive.names)
        for member in members:
            what = f"{file}: {member.place}"
            if member.key not in names:
                raise DamageError(f"{what} is missing: {remedy}")
            tokens = archive.tokens(member.key, member.position)
            if wrong := _difference(tokens, member, len(manifest.token_counts)):
                raise DamageError(f"{what} {wrong}: {remedy}")
            yield member, tokens


@contextmanager
def reading(file: Stored, remedy: str, fault: str = "is damaged") -> Iterator[None]:
    """Turn errors of reading an ``.npz`` into ``DamageError``, or ``TransientError`` if the disk did not answer.

    NumPy and ``zipfile`` raise exceptions of many types for damaged archives.
    """
    try:
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
    """The tokens of one rollout, uint8 (frames, height, width), without reading or fetching the rest of its shard.

    Raises ``NcaError`` as ``read_rollouts`` does, and if the manifest does not list the rollout.
    """
    manifest = read_manifest(key, data)
    wanted = member_of(key, data, manifest, index)
    if not manifest.tokens_kept:
        return next(simulate_members(key, data, manifest, [wanted], ONE_THREAD))[1]
    return next(_read(key, data, manifest, [wanted], in_parts))[1]


def member_of(key: ShardKey, data: DataFolder, manifest: Manifest, index: int) -> Member:
    """Rollout ``index`` in the manifest of shard ``key``. Raises ``NcaError`` if it is not listed."""
    first, last = manifest.members[0].index, manifest.members[-1].index
    if first <= index <= last:
        return manifest.members[index - first]
    raise NcaError(
        f"{data.manifest_file(key)} lists {member_name(first)} to {member_name(last)}, but not {member_name(index)}: "
        f"{remake(key)}"
    )


def _difference(tokens: NDArray[np.uint8], member: Member, alphabet: int) -> str | None:
    """How ``tokens`` differ from the rollout in the manifest, if they do."""
    if tokens.shape != member.shape:
        return f"is {tokens.shape}, not {member.shape}"
    if tokens.max() >= alphabet:
        return f"holds token {tokens.max()}, beyond {alphabet - 1}"
    if rollout_digest(tokens) != member.digest:
        return "differs from its digest in the manifest"
    return None
