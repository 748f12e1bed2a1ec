"""Shards with and without their tokens: turning one kind into the other, with the same digests and data version.

Not here: choosing what new shards keep (``settings``).
"""

from __future__ import annotations

from collections.abc import Iterator

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Resources
from nca_assets.shards.findings import clear_finding
from nca_assets.shards.manifest import Manifest, read_manifest, write_manifest
from nca_assets.shards.members import PackedRollout, pack, write_members
from nca_assets.shards.recipes import simulate_members
from nca_assets.store.refusals import refusals_of_the_disk
from nca_assets.store.store import whole_file


def drop_tokens(key: ShardKey, data: DataFolder, resources: Resources, progress: Progress = unwatched) -> bool:
    """Remove the file of a native shard's tokens, after simulating all its rollouts again; returns whether it was kept.

    Raises ``NcaError``, and removes nothing, if the shard is imported, damaged, not of the current recipe and
    vocabulary, or if a rollout does not give its digest again.
    """
    if key.imported:
        raise NcaError(f"{key} was imported: its tokens follow from no recipe, so they can't be dropped")
    manifest = read_manifest(key, data)
    if manifest.tokens_kept:
        for done, _ in enumerate(simulate_members(key, data, manifest, manifest.members, resources), start=1):
            progress(done, len(manifest.members))
        _require_unchanged(key, data, manifest)
        write_manifest(manifest.model_copy(update={"tokens_kept": False, "file_bytes": 0}), key, data)
    # After the manifest, so that none speaks of a file that is gone; a kill in between leaves it to the next call.
    with refusals_of_the_disk(data.tokens_file(key)):
        data.tokens_file(key).unlink(missing_ok=True)
    clear_finding(data.finding_file(key))
    return manifest.tokens_kept


def keep_tokens(
    key: ShardKey, data: DataFolder, resources: Resources, progress: Progress = unwatched, to: DataFolder | None = None
) -> bool:
    """Write the file of a shard's tokens, simulated from their recipes, if it is not kept; returns whether it was not.

    With ``to``, the file and its manifest are written there, and ``data`` stays as it is. Raises ``NcaError``, and
    leaves the shard as it is, if it is damaged, not of the current recipe and vocabulary, or if a rollout does not
    give its digest again.
    """
    manifest, to = read_manifest(key, data), to or data
    if manifest.tokens_kept:
        return False

    def packed() -> Iterator[PackedRollout]:
        simulated = simulate_members(key, data, manifest, manifest.members, resources)
        for done, (member, tokens) in enumerate(simulated, start=1):
            yield pack(member.index, tokens)
            progress(done, len(manifest.members))

    with whole_file(to.tokens_file(key)) as file:
        file_bytes = write_members(packed(), file)
        _require_unchanged(key, data, manifest)
    write_manifest(manifest.model_copy(update={"tokens_kept": True, "file_bytes": file_bytes}), key, to)
    return True


def _require_unchanged(key: ShardKey, data: DataFolder, manifest: Manifest) -> None:
    """Raise ``NcaError`` if the shard with this ``manifest`` has been made again."""
    if read_manifest(key, data) != manifest:
        raise NcaError(f"{key} was made again meanwhile: run it again")
