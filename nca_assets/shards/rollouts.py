"""Any rollout by its id: from its recipe, at the cost of that rollout, or from its shard when that is materialized."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_rule
from nca_assets.errors import NcaError
from nca_assets.naming import SETS, RolloutId, ShardKey
from nca_assets.settings import Settings
from nca_assets.shards.imported import find_imported
from nca_assets.shards.read import read_rollout
from nca_assets.vocabulary.centroids import load_centroids


def rollout_tokens(rollout: RolloutId, settings: Settings) -> NDArray[np.uint8]:
    """The tokens of ``rollout``: uint8 (frames, height, width). Raises ``NcaError`` if its shard is damaged."""
    if rollout.set not in SETS:
        return find_imported(rollout, settings.data)
    key = ShardKey(rollout.set, rollout.index // settings.shard_size)
    if key.manifest_file(settings.data).exists():
        return read_rollout(key, settings.data, rollout.index)
    return regenerate(rollout, settings)


def regenerate(rollout: RolloutId, settings: Settings) -> NDArray[np.uint8]:
    """The tokens of ``rollout``, simulated from its recipe: uint8 (``settings.frames``, height, width).

    Raises ``NcaError`` if there is no vocabulary yet, or ``rollout`` is of an imported set.
    """
    if rollout.set not in SETS:
        raise NcaError(f"{rollout} was imported: no recipe gives it, only its file holds it")
    rule = draw_rule(Population(SETS[rollout.set].seed), rollout.index)
    centroids = load_centroids(settings.data)
    [tokens] = simulate_each([rule], centroids, settings.frames, choose_machine(settings), lambda _, tokens: tokens)
    return tokens
