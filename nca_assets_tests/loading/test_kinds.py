"""Training is the same whether the tokens of its rollouts are kept or not."""

import numpy as np

from nca_assets.data_folder import DataFolder
from nca_assets.loading.source import RolloutSource
from nca_assets.settings import Resources
from nca_assets.shards.kinds import drop_tokens
from nca_assets.warehouse.collections import Sampling, freeze
from nca_assets_tests.conftest import local
from nca_assets_tests.loading.conftest import KEYS


def batches(source: RolloutSource) -> list[np.ndarray]:
    """Tokens and origins of batches of two kinds, in their order."""
    streams = (source.transitions(8, seed=3, tokens=500_000), source.long_horizon(8, seed=3, rollouts_open=2))
    return [array for stream in streams for batch in stream.numpy() for array in (batch.tokens, batch.origin)]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))


def test_a_collection_gives_the_same_batches_from_files_and_from_recipes(
    own_shards: DataFolder, resources: Resources
) -> None:
    freeze("some", "SELECT rollout_id FROM labels", own_shards, Sampling(total=12, seed=5))
    kept = batches(RolloutSource.collection("some", own_shards))
    assert len(kept) > 50
    for dropped in (KEYS[1::2], KEYS):
        for key in dropped:
            drop_tokens(key, own_shards, resources)
        assert same(kept, batches(RolloutSource.collection("some", own_shards)))
    assert not list(local(own_shards.root).glob("*/*.npz"))
    assert same(kept, batches(RolloutSource.collection("some", own_shards, recipes=True)))
