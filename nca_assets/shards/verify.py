"""Verifying a shard: it must agree with its manifest and, if it is native, simulate to the same bytes."""

from __future__ import annotations

import numpy as np

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.ids import ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.remedies import remake
from nca_assets.settings import Resources
from nca_assets.shards.archive import MAX_TOKENS
from nca_assets.shards.counting import token_counts
from nca_assets.shards.findings import clear_finding, recording_finding
from nca_assets.shards.manifest import Manifest, read_manifest
from nca_assets.shards.read import read_rollouts
from nca_assets.shards.recipes import simulate_members


def verify_shard(
    key: ShardKey, data: DataFolder, resources: Resources, most: int, progress: Progress = unwatched
) -> int:
    """Read every rollout of shard ``key``, if its tokens are kept, and simulate up to ``most`` again, if it is native;
    returns how many.

    Raises ``DamageError`` naming the rollout if the file, the manifest and the recipe disagree, and ``NcaError`` if the
    shard is not of the current recipe and vocabulary. Damage stays recorded, for the warehouse to show, until all
    rollouts verify or the shard is made or imported again.
    """
    manifest = read_manifest(key, data)
    if manifest.tokens_kept:
        with recording_finding(data.finding_file(key)):
            _require_counts(key, data, manifest, resources, progress if key.imported else unwatched)
    checked = 0 if key.imported else reproduce(key, data, resources, most, progress)
    if key.imported or checked == len(manifest.members):
        clear_finding(data.finding_file(key))
    return checked


def reproduce(key: ShardKey, data: DataFolder, resources: Resources, most: int, progress: Progress = unwatched) -> int:
    """Simulate up to ``most`` rollouts of native shard ``key`` again, evenly spread over it; returns how many.

    Their digests must match the manifest. Raises errors as ``verify_shard`` does.
    """
    manifest = read_manifest(key, data)
    members = manifest.members
    chosen = [members[i * len(members) // most] for i in range(most)] if most < len(members) else members
    with recording_finding(data.finding_file(key)):
        for done, _ in enumerate(simulate_members(key, data, manifest, chosen, resources), start=1):
            progress(done, len(chosen))
    return len(chosen)


def _require_counts(
    key: ShardKey, data: DataFolder, manifest: Manifest, resources: Resources, progress: Progress
) -> None:
    """Read the whole shard, and raise ``DamageError`` if its token counts differ from the manifest's."""
    counts = np.zeros(MAX_TOKENS, dtype=np.int64)
    for done, (_, tokens) in enumerate(read_rollouts(key, data, manifest, resources), start=1):
        counts += token_counts(tokens)
        progress(done, len(manifest.members))
    if counts[: len(manifest.token_counts)].tolist() != manifest.token_counts:
        raise DamageError(f"{data.manifest_file(key)} does not match its shard's token counts: {remake(key)}")
