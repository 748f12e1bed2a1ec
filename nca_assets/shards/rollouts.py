"""Any rollout by its id: from its shard if that is materialized, or from its recipe, at the cost of that rollout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId, ShardKey, is_own
from nca_assets.remedies import remake
from nca_assets.settings import Resources
from nca_assets.shards.imported import sound_manifests
from nca_assets.shards.manifest import read_manifest, rollout_digest
from nca_assets.shards.read import member_of, read_rollout
from nca_assets.vocabulary.centroids import load_centroids


def rollout_tokens(rollout: RolloutId, data: DataFolder, resources: Resources) -> NDArray[np.uint8]:
    """The tokens of ``rollout``: uint8 (frames, height, width), simulated if they are not stored.

    Raises ``NcaError`` if its shard is damaged, or was made with another recipe or vocabulary and is gone.
    """
    key = data.shard_of(rollout) if is_own(rollout.set) else _imported_shard(rollout, data)
    if key.imported or is_stored(rollout, data):
        return read_rollout(key, data, rollout.index)
    tokens = regenerate(rollout, data, resources)
    if data.manifest_file(key).exists():
        manifest = read_manifest(key, data)
        if rollout_digest(tokens) != member_of(key, data, manifest, rollout.index).digest:
            raise NcaError(
                f"{rollout} is not what its manifest says, which is of another recipe or vocabulary: {remake(key)}"
            )
    return tokens


def is_stored(rollout: RolloutId, data: DataFolder) -> bool:
    """Whether the shard of a native ``rollout`` has its manifest and its tokens."""
    key = data.shard_of(rollout)
    return data.manifest_file(key).exists() and data.tokens_file(key).exists()


def _imported_shard(rollout: RolloutId, data: DataFolder) -> ShardKey:
    for key, manifest in sound_manifests(rollout.set, data):
        if manifest.members[0].index <= rollout.index <= manifest.members[-1].index:
            return key
    raise NcaError(f"{rollout} does not exist: no sound manifest in {data / 'imported'} lists it")


def regenerate(rollout: RolloutId, data: DataFolder, resources: Resources) -> NDArray[np.uint8]:
    """The tokens of ``rollout``, simulated from its recipe: uint8 (frames, height, width).

    Raises ``NcaError`` if there is no vocabulary yet, or ``rollout`` is of an imported set.
    """
    rollout_set = data.own_set(rollout.set)
    rule, machine = data.rule(rollout.set, rollout.index), choose_machine(resources)
    [tokens] = simulate_each([rule], load_centroids(data), rollout_set.frames, machine, lambda _, tokens: tokens)
    return tokens
