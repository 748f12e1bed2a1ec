"""The rollouts of a native shard from their recipes, for shards whose tokens are not kept.

Torch is loaded when they are simulated, since shards are read without it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.recipe import Rule
from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.remedies import remake
from nca_assets.settings import Resources
from nca_assets.shards.manifest import Manifest, Member, manifest_stamp, read_manifest, rollout_digest
from nca_assets.versions import RECIPE_VERSION

if TYPE_CHECKING:
    from torch import Tensor

Tokens = NDArray[np.uint8]


def simulate_members(
    key: ShardKey, data: DataFolder, manifest: Manifest, members: Iterable[Member], resources: Resources
) -> Iterator[tuple[Member, Tokens]]:
    """Each of ``members`` of native shard ``key`` with its tokens, uint8 (frames, height, width), simulated again.

    Raises ``DamageError`` naming the rollout if its digest is not that of the manifest, and ``NcaError`` if the shard
    is not of the current recipe and vocabulary.
    """
    from nca_assets.automaton.engine import choose_machine, simulate_each
    from nca_assets.vocabulary.centroids import load_centroids

    members, centroids = list(members), load_centroids(data)
    require_current_inputs(key, manifest, centroids)
    rules = (data.rule(key.set, member.index) for member in members)

    def digested(_: Rule, tokens: Tokens) -> tuple[Tokens, str]:
        return tokens, rollout_digest(tokens)

    simulated = simulate_each(rules, centroids, manifest.frames, choose_machine(resources), digested)
    for member, (tokens, regenerated) in zip(members, simulated, strict=True):
        if regenerated != member.digest:
            raise DamageError(
                f"{RolloutId(key.set, member.index)} does not reproduce: its recipe gives {regenerated[:12]}…, "
                f"{data.manifest_file(key)} says {member.digest[:12]}…: {remake(key)}"
            )
        yield member, tokens


def simulate_dropped(rollout: RolloutId, key: ShardKey, data: DataFolder) -> Tokens:
    """The tokens of one ``rollout`` of native shard ``key``, simulated in this thread: uint8 (frames, height, width).

    Raises ``NcaError`` if the shard is damaged, or not of the current recipe and vocabulary, and
    ``FileNotFoundError`` if its tokens are kept, and so should be in their file.
    """
    from nca_assets.automaton import compiled

    frames, centroids = _made_from(key, data, manifest_stamp(key, data))
    return compiled.simulate(data.rule(key.set, rollout.index), centroids, frames)


def require_current_inputs(key: ShardKey, manifest: Manifest, centroids: Tensor) -> None:
    """Raise ``NcaError`` if native shard ``key`` was made with another recipe or other ``centroids``, and so can't be
    simulated again."""
    from nca_assets.vocabulary.centroids import digest

    made_with, current = str(manifest.centroids_digest), digest(centroids)
    if manifest.recipe_version != RECIPE_VERSION:
        raise NcaError(
            f"{key} has recipe version {manifest.recipe_version}, not the current {RECIPE_VERSION}: {remake(key)}"
        )
    if made_with != current:
        raise NcaError(
            f"{key} was made with centroids {made_with[:12]}…, the current ones are {current[:12]}…: {remake(key)}"
        )


@lru_cache(maxsize=16_384)
def _made_from(key: ShardKey, data: DataFolder, _stamp: int) -> tuple[int, Tensor]:
    """The frames of a shard whose tokens are not kept, and its vocabulary."""
    from nca_assets.vocabulary.centroids import load_centroids

    manifest, centroids = read_manifest(key, data), load_centroids(data)
    if manifest.tokens_kept:
        raise FileNotFoundError(manifest.tokens_file(data))
    require_current_inputs(key, manifest, centroids)
    return manifest.frames, centroids
