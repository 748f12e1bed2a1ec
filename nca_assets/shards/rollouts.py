"""Any rollout by its id: from its shard when that is materialized, else simulated from its recipe."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.device import choose_device
from nca_assets.naming import RolloutId, ShardKey
from nca_assets.settings import Settings
from nca_assets.shards.read import read_rollout
from nca_assets.shards.write import simulate_rollouts
from nca_assets.vocabulary.centroids import load_centroids


def rollout_tokens(rollout: RolloutId, settings: Settings) -> NDArray[np.uint8]:
    """The tokens of ``rollout``: uint8 (frames, height, width). Raises ``NcaError`` if its shard is damaged."""
    key = ShardKey(rollout.set, rollout.index // settings.shard_size)
    if key.manifest_file(settings.data).exists():
        return read_rollout(key, settings.data, rollout.index)
    centroids = load_centroids(settings.data)
    only = range(rollout.index, rollout.index + 1)
    return next(simulate_rollouts(rollout.set, only, centroids, settings, choose_device(settings.device)))[1]
