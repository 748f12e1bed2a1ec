"""Verifying a shard: it must agree with its manifest and, if it is native, simulate to the same bytes."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.remedies import remake
from nca_assets.settings import Resources
from nca_assets.shards.archive import MAX_TOKENS
from nca_assets.shards.counting import token_counts
from nca_assets.shards.findings import clear_finding, recording_finding
from nca_assets.shards.manifest import Manifest, read_manifest, rollout_digest
from nca_assets.shards.read import read_rollouts
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.centroids import digest, load_centroids


def verify_shard(
    key: ShardKey, data: DataFolder, resources: Resources, most: int, progress: Progress = unwatched
) -> int:
    """Read every rollout of shard ``key`` and, if it is native, simulate up to ``most`` again; returns how many.

    Raises ``DamageError`` naming the rollout if the file, the manifest and the recipe disagree, and ``NcaError`` if the
    shard is not of the current recipe and vocabulary. Damage stays recorded, for the warehouse to show, until all
    rollouts verify or the shard is made or imported again.
    """
    manifest = read_manifest(key, data)
    with recording_finding(data.finding_file(key)):
        _require_counts(key, data, manifest, progress if key.imported else unwatched)
    checked = 0 if key.imported else reproduce(key, data, resources, most, progress)
    if key.imported or checked == len(manifest.members):
        clear_finding(data.finding_file(key))
    return checked


def reproduce(key: ShardKey, data: DataFolder, resources: Resources, most: int, progress: Progress = unwatched) -> int:
    """Simulate up to ``most`` rollouts of native shard ``key`` again, evenly spread over it; returns how many.

    Their digests must match the manifest. Raises errors as ``verify_shard`` does.
    """
    manifest = read_manifest(key, data)
    centroids = load_centroids(data)
    require_current_inputs(key, manifest, centroids)
    members = manifest.members
    chosen = [members[i * len(members) // most] for i in range(most)] if most < len(members) else members
    rules = (data.rule(key.set, member.index) for member in chosen)
    digests = simulate_each(
        rules, centroids, manifest.frames, choose_machine(resources), lambda _, tokens: rollout_digest(tokens)
    )
    with recording_finding(data.finding_file(key)):
        for done, (member, regenerated) in enumerate(zip(chosen, digests, strict=True), start=1):
            if regenerated != member.digest:
                raise DamageError(
                    f"{RolloutId(key.set, member.index)} does not reproduce: its recipe gives {regenerated[:12]}…, "
                    f"{data.manifest_file(key)} says {member.digest[:12]}…: {remake(key)}"
                )
            progress(done, len(chosen))
    return len(chosen)


def _require_counts(key: ShardKey, data: DataFolder, manifest: Manifest, progress: Progress) -> None:
    """Read the whole shard, and raise ``DamageError`` if its token counts differ from the manifest's."""
    counts = np.zeros(MAX_TOKENS, dtype=np.int64)
    for done, (_, tokens) in enumerate(read_rollouts(key, data, manifest), start=1):
        counts += token_counts(tokens)
        progress(done, len(manifest.members))
    if counts[: len(manifest.token_counts)].tolist() != manifest.token_counts:
        raise DamageError(f"{data.manifest_file(key)} does not match its shard's token counts: {remake(key)}")


def require_current_inputs(key: ShardKey, manifest: Manifest, centroids: Tensor) -> None:
    """Raise ``NcaError`` if native shard ``key`` was made with another recipe or other ``centroids``, and so can't be
    simulated again."""
    made_with, current = str(manifest.centroids_digest), digest(centroids)
    if manifest.recipe_version != RECIPE_VERSION:
        raise NcaError(
            f"{key} has recipe version {manifest.recipe_version}, not the current {RECIPE_VERSION}: {remake(key)}"
        )
    if made_with != current:
        raise NcaError(
            f"{key} was made with centroids {made_with[:12]}…, the current ones are {current[:12]}…: {remake(key)}"
        )
