"""Holding a shard against its recipe: some or all of its rollouts are simulated again and must be the same bytes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.remedies import remake
from nca_assets.settings import Resources
from nca_assets.shards.counting import token_counts
from nca_assets.shards.findings import forget, noted
from nca_assets.shards.imported import MOST_TOKENS, read_imported, read_imported_manifest
from nca_assets.shards.manifest import read_manifest, rollout_digest
from nca_assets.shards.present import require_present_inputs
from nca_assets.shards.read import read_rollouts
from nca_assets.vocabulary.centroids import load_centroids


def verify_shard(
    key: ShardKey, data: DataFolder, resources: Resources, most: int, progress: Progress = unwatched
) -> int:
    """Read every rollout of shard ``key`` and simulate up to ``most`` again; returns how many.

    Raises ``DamageError`` if the file, the manifest and the recipe do not agree, saying which rollout differs, and
    ``NcaError`` if the shard is not of the present recipe and vocabulary. Damage is noted for the warehouse to show,
    until all rollouts verify or the shard is materialized again.
    """
    manifest = read_manifest(key, data)
    with noted(data.finding_file(key)):
        counts = _counted(read_rollouts(key, data, manifest), TOKENS)
        _require_counts(counts, manifest.token_counts, key, data)
    checked = reproduce(key, data, resources, most, progress)
    if checked == len(manifest.members):
        forget(data.finding_file(key))
    return checked


def reproduce(key: ShardKey, data: DataFolder, resources: Resources, most: int, progress: Progress = unwatched) -> int:
    """Simulate up to ``most`` rollouts of shard ``key`` again, evenly spread over it; returns how many.

    Their digests must be those in the manifest. Raises errors as ``verify_shard`` does.
    """
    manifest = read_manifest(key, data)
    centroids = load_centroids(data)
    require_present_inputs(key, manifest, centroids)
    members = manifest.members
    chosen = [members[i * len(members) // most] for i in range(most)] if most < len(members) else members
    rules = (data.rule(key.set, member.index) for member in chosen)
    digests = simulate_each(
        rules, centroids, manifest.frames, choose_machine(resources), lambda _, tokens: rollout_digest(tokens)
    )
    with noted(data.finding_file(key)):
        for done, (member, regenerated) in enumerate(zip(chosen, digests, strict=True), start=1):
            if regenerated != member.digest:
                raise DamageError(
                    f"{RolloutId(key.set, member.index)} does not reproduce: its recipe gives {regenerated[:12]}…, "
                    f"{data.manifest_file(key)} says {member.digest[:12]}…: {remake(key)}"
                )
            progress(done, len(chosen))
    return len(chosen)


def verify_imported(key: ShardKey, data: DataFolder, progress: Progress = unwatched) -> int:
    """Read every rollout of imported shard ``key``; returns how many.

    Raises ``DamageError`` if one is not what it was when it was imported, which is noted too.
    """
    manifest = read_imported_manifest(key, data)
    with noted(data.finding_file(key)):
        counts = _counted(read_imported(key, data, progress), MOST_TOKENS)
        _require_counts(counts, manifest.token_counts, key, data)
    forget(data.finding_file(key))
    return len(manifest.members)


def _counted(rollouts: Iterable[tuple[object, NDArray[np.uint8]]], vocabulary: int) -> NDArray[np.int64]:
    """How often each of the ``vocabulary`` tokens occurs in all rollouts."""
    counts = np.zeros(vocabulary, dtype=np.int64)
    for _, tokens in rollouts:
        counts += token_counts(tokens)[:vocabulary]
    return counts


def _require_counts(counts: NDArray[np.int64], said: list[int], key: ShardKey, data: DataFolder) -> None:
    if counts.tolist() != said:
        raise DamageError(f"{data.manifest_file(key)} has other token counts than the shard: {remake(key)}")
