"""Mixes of streams, and recipes without end: shares as weighted, the same from any step on, no rollout twice."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId
from nca_assets.loading import endless
from nca_assets.loading.endless import EndlessRecipes
from nca_assets.loading.held import Batch
from nca_assets.loading.mix import Mix, mix
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.splits import split_of


@pytest.fixture
def mixed(shards: DataFolder) -> Mix:
    files = RolloutSource.files(shards)
    recipes = RolloutSource.recipes("set3", range(4), shards)
    return mix({files.transitions(100): 0.75, recipes.long_horizon(10): 0.25}, seed=2)


def content(batch: Batch) -> tuple[int, list[list[int]]]:
    return batch.stream, batch.origin.tolist()


def test_streams_come_as_often_as_they_weigh(mixed: Mix) -> None:
    streams = Counter(batch.stream for batch in islice(mixed.forever(), 400))
    assert 70 <= streams[1] <= 130
    assert sum(streams.values()) == 400


def test_each_stream_keeps_its_own_order(mixed: Mix) -> None:
    taken = list(islice(mixed.forever(), 90))
    for number, stream in enumerate(mixed.streams):
        own = [content(batch)[1] for batch in taken if batch.stream == number]
        assert own == [batch.origin.tolist() for batch in islice(stream.forever(), len(own))]


def test_a_mix_is_resumed_at_any_step(mixed: Mix) -> None:
    whole = [content(batch) for epoch in range(2) for batch in mixed.at(epoch)]
    assert len(whole) == 2 * len(mixed)
    for step in (1, len(mixed) - 1, len(mixed), len(mixed) + 5):
        loader = mixed.loader(workers=1)
        loader.load_state_dict(mixed.at(*divmod(step, len(mixed))).loader().state_dict())
        taken = [content(batch) for _ in range(2) for batch in loader]
        assert taken[: len(whole) - step] == whole[step:]


def test_endless_recipes_give_each_rollout_of_the_split_once(
    shards: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endless, "INDICES", 8)
    source = EndlessRecipes("set3", shards, first=1000, split="train")
    stream = source.long_horizon(4, per_rollout=1)
    loader, seen = stream.loader(), Counter[RolloutId]()
    for epoch in range(3):
        ids = source.of_epoch(epoch).ids
        seen.update(ids[position] for batch in loader for position in batch.rollouts.tolist())
    expected = [RolloutId("set3", index) for index in range(1000, 1024)]
    assert seen == Counter(rollout for rollout in expected if split_of(rollout) == "train")


def test_endless_recipes_give_the_rollouts_of_their_indices(shards: DataFolder) -> None:
    source = EndlessRecipes("set3", shards, first=2**32 - endless.INDICES)
    batch = next(iter(source.clips(140, 2, shuffle=False).numpy()))
    first = RolloutSource.recipes("set3", [2**32 - endless.INDICES], shards)[0]
    np.testing.assert_array_equal(batch.tokens[0], first.tokens)
    with pytest.raises(NcaError, match="set3 has no more recipes after 4294967295: begin earlier"):
        source.of_epoch(1)
