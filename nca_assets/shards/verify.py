"""Holding a shard against its recipe: some or all of its rollouts are simulated again and must be the same bytes."""

from __future__ import annotations

from nca_assets.automaton.engine import Machine, simulate_each
from nca_assets.automaton.recipe import draw_rule
from nca_assets.errors import NcaError
from nca_assets.naming import SETS, RolloutId, ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Settings
from nca_assets.shards.manifest import Manifest, read_manifest, rollout_digest, shard_digest
from nca_assets.shards.read import read_rollouts
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.centroids import digest, load_centroids


def verify_shard(key: ShardKey, settings: Settings, machine: Machine, most: int, progress: Progress = unwatched) -> int:
    """Simulate up to ``most`` rollouts of shard ``key`` again on ``machine``, evenly spread over it; returns how many.

    Raises ``NcaError`` if the file, the manifest and the recipe do not agree, saying which rollout differs; or if the
    shard is not of the present recipe and vocabulary.
    """
    manifest = read_manifest(key, settings.data)
    centroids = load_centroids(settings.data)
    _require_present_inputs(key, manifest, digest(centroids))
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


def _require_present_inputs(key: ShardKey, manifest: Manifest, centroids_digest: str) -> None:
    remedy = f"materialize partition {key} of rollout_shards again"
    if manifest.recipe_version != RECIPE_VERSION:
        raise NcaError(f"{key} is of recipe version {manifest.recipe_version}, this is {RECIPE_VERSION}: {remedy}")
    if manifest.centroids_digest != centroids_digest:
        raise NcaError(
            f"{key} was made with centroids {manifest.centroids_digest[:12]}…, "
            f"the present ones are {centroids_digest[:12]}…: {remedy}"
        )
    if manifest.digest != shard_digest(member.digest for member in manifest.members):
        raise NcaError(f"the manifest of {key} contradicts itself: its digest is not that of its members; {remedy}")
