"""Holding a shard against its recipe: some or all of its rollouts are simulated again and must be the same bytes."""

from __future__ import annotations

from nca_assets.automaton.engine import Machine, simulate_each
from nca_assets.automaton.recipe import draw_rule
from nca_assets.errors import NcaError
from nca_assets.naming import SETS, RolloutId, ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Settings
from nca_assets.shards.manifest import read_manifest, rollout_digest
from nca_assets.shards.present import require_present_inputs
from nca_assets.shards.read import read_rollouts
from nca_assets.vocabulary.centroids import load_centroids


def verify_shard(key: ShardKey, settings: Settings, machine: Machine, most: int, progress: Progress = unwatched) -> int:
    """Simulate up to ``most`` rollouts of shard ``key`` again on ``machine``, evenly spread over it; returns how many.

    Raises ``NcaError`` if the file, the manifest and the recipe do not agree, saying which rollout differs; or if the
    shard is not of the present recipe and vocabulary.
    """
    manifest = read_manifest(key, settings.data)
    centroids = load_centroids(settings.data)
    require_present_inputs(key, manifest, centroids)
    members = manifest.members
    chosen = [members[i * len(members) // most] for i in range(most)] if most < len(members) else members
    for _ in read_rollouts(key, settings.data, manifest.model_copy(update={"members": chosen})):
        pass
    rules = (draw_rule(SETS[key.set].seed, member.index) for member in chosen)
    digests = simulate_each(rules, centroids, manifest.frames, machine, lambda _, tokens: rollout_digest(tokens))
    for done, (member, regenerated) in enumerate(zip(chosen, digests, strict=True), start=1):
        if regenerated != member.digest:
            raise NcaError(
                f"{RolloutId(key.set, member.index)} does not reproduce: its recipe gives {regenerated[:12]}…, "
                f"{key.manifest_file(settings.data)} says {member.digest[:12]}…: materialize partition {key} again"
            )
        progress(done, len(chosen))
    return len(chosen)
