"""Holding a shard against its recipe: some or all of its rollouts are simulated again and must be the same bytes."""

from __future__ import annotations

from nca_assets.automaton.engine import Machine, simulate_each
from nca_assets.automaton.recipe import draw_rule
from nca_assets.errors import NcaError
from nca_assets.naming import SETS, RolloutId, ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Settings
from nca_assets.shards.findings import forget, noted
from nca_assets.shards.imported import read_imported
from nca_assets.shards.manifest import read_manifest, rollout_digest
from nca_assets.shards.present import require_present_inputs
from nca_assets.shards.read import read_rollouts
from nca_assets.storage import Stored
from nca_assets.vocabulary.centroids import load_centroids


def verify_shard(key: ShardKey, settings: Settings, machine: Machine, most: int, progress: Progress = unwatched) -> int:
    """Read every rollout of shard ``key`` and simulate up to ``most`` again; returns how many.

    Raises ``NcaError`` if the file, the manifest and the recipe do not agree, saying which rollout differs, or if the
    shard is not of the present recipe and vocabulary. Damage is noted for the warehouse to show, until all rollouts
    verify or the shard is materialized again.
    """
    manifest = read_manifest(key, settings.data)
    with noted(key, settings.data):
        for _ in read_rollouts(key, settings.data, manifest):
            pass
    checked = reproduce(key, settings, machine, most, progress)
    if checked == len(manifest.members):
        forget(key, settings.data)
    return checked


def reproduce(key: ShardKey, settings: Settings, machine: Machine, most: int, progress: Progress = unwatched) -> int:
    """Simulate up to ``most`` rollouts of shard ``key`` again on ``machine``, evenly spread over it; returns how many.

    Their digests must be those in the manifest. Raises ``NcaError`` as ``verify_shard`` does.
    """
    manifest = read_manifest(key, settings.data)
    centroids = load_centroids(settings.data)
    require_present_inputs(key, manifest, centroids)
    members = manifest.members
    chosen = [members[i * len(members) // most] for i in range(most)] if most < len(members) else members
    rules = (draw_rule(SETS[key.set].seed, member.index) for member in chosen)
    digests = simulate_each(rules, centroids, manifest.frames, machine, lambda _, tokens: rollout_digest(tokens))
    with noted(key, settings.data):
        for done, (member, regenerated) in enumerate(zip(chosen, digests, strict=True), start=1):
            if regenerated != member.digest:
                raise NcaError(
                    f"{RolloutId(key.set, member.index)} does not reproduce: its recipe gives {regenerated[:12]}…, "
                    f"{key.manifest_file(settings.data)} says {member.digest[:12]}…: materialize partition {key} again"
                )
            progress(done, len(chosen))
    return len(chosen)


def verify_imported(key: ShardKey, data: Stored, progress: Progress = unwatched) -> int:
    """Read every rollout of imported shard ``key``; returns how many.

    Raises ``NcaError`` if one is not what it was when it was imported, which is noted too.
    """
    with noted(key, data):
        checked = sum(1 for _ in read_imported(key, data, progress))
    forget(key, data)
    return checked
