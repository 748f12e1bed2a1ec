"""Streams: right frames, one shape a batch, exact resume, no overlap of ranks and workers, little memory."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.streams import LONG_HORIZON, Batch, Stream
from nca_assets.settings import Resources
from nca_assets_tests.conftest import local


@pytest.fixture
def source(shards: DataFolder) -> RolloutSource:
    return RolloutSource.files(shards)


def samples(batches: list[Batch]) -> list[tuple[int, int]]:
    return [(position, start) for batch in batches for position, start in batch.origin.tolist()]


@pytest.mark.parametrize(
    ("kind", "offsets", "starts"),
    [
        (RolloutSource.transitions, (0, 1), 139),
        (RolloutSource.long_horizon, LONG_HORIZON, 28),
        (partial(RolloutSource.clips, length=16), tuple(range(16)), 8),
    ],
)
def test_samples_are_the_rollouts_frames(
    source: RolloutSource, kind: Callable[..., Stream], offsets: tuple[int, ...], starts: int
) -> None:
    batches = list(kind(source, batch_size=50, seed=1))
    assert len(set(samples(batches))) == len(samples(batches)) == starts * len(source)
    rollouts = [rollout.tokens for rollout in source]
    for batch in batches:
        for tokens, rollout, start in zip(batch.tokens, batch.rollouts, batch.starts, strict=True):
            np.testing.assert_array_equal(tokens, rollouts[rollout][int(start) + np.array(offsets)])


def test_clips_do_not_overlap_unless_asked(source: RolloutSource) -> None:
    starts = {start for _, start in samples(list(source.clips(16)))}
    assert starts == set(range(0, 124, 16))
    overlapping = {start for _, start in samples(list(source.clips(16, every=8)))}
    assert overlapping == set(range(0, 125, 8))


def test_the_cards_task_begins_at_0(source: RolloutSource) -> None:
    batches = list(source.long_horizon(starts=(0,), shuffle=False))
    assert samples(batches) == [(position, 0) for position in range(len(source))]


def test_files_and_recipes_give_equal_streams(shards: DataFolder) -> None:
    files = RolloutSource.files(shards).take(range(4))
    recipes = RolloutSource.recipes("set1", range(4), shards)
    pairs = zip(files.transitions(seed=2), recipes.transitions(seed=2), strict=True)
    assert all(torch.equal(a, b) for first, second in pairs for a, b in zip(first[:2], second[:2], strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_resuming_after_any_batch_gives_exactly_the_rest(source: RolloutSource, workers: int) -> None:
    stream = replace(source.take(range(12)).transitions(200, seed=5), blocks_open=2)

    def load(from_there: Stream) -> list[tuple[int, int]]:
        return samples(list(DataLoader(from_there, batch_size=None, num_workers=workers)))

    whole = list(DataLoader(stream.at(3), batch_size=None, num_workers=workers))
    assert len(whole) == len(stream)
    for done in range(0, len(whole), 1 if workers == 0 else 2):
        assert load(stream.at(3, done)) == samples(whole[done:]), done


def test_resuming_after_an_odd_batch_with_workers(source: RolloutSource) -> None:
    stream = replace(source.take(range(12)).transitions(200, seed=5), blocks_open=2)
    whole = list(DataLoader(stream, batch_size=None, num_workers=2))
    rest = list(DataLoader(stream.at(0, 3), batch_size=None, num_workers=2))
    assert samples(rest) == samples(whole[3:])


@pytest.mark.parametrize("workers", [0, 2])
def test_ranks_share_an_epoch(source: RolloutSource, workers: int) -> None:
    def load(rank: int, ranks: int) -> list[Batch]:
        stream = source.transitions(batch_size=139, seed=7, rank=rank, ranks=ranks)
        return list(DataLoader(stream, batch_size=None, num_workers=workers))

    ranks = [load(rank, 4) for rank in range(4)]
    assert len({len(batches) for batches in ranks}) == 1
    seen = [sample for batches in ranks for sample in samples(batches)]
    assert len(seen) == len(set(seen))
    assert set(seen) == set(samples(load(0, 1)))


def test_batches_left_over_by_ranks_differ_in_each_epoch(source: RolloutSource) -> None:
    left_out = []
    for epoch in range(3):
        streams = [source.transitions(batch_size=139, seed=7, rank=rank, ranks=5).at(epoch) for rank in range(5)]
        assert {len(list(stream)) for stream in streams} == {4}
        every = set(samples(list(source.transitions(batch_size=139, seed=7).at(epoch))))
        left_out.append(every.difference(*(samples(list(stream)) for stream in streams)))
    assert all(len(left) <= 4 * 139 for left in left_out)
    assert len({frozenset(left) for left in left_out}) == 3


def test_a_corrupt_shard_raises_or_is_skipped_and_counted(own_shards: DataFolder) -> None:
    file = own_shards.tokens_file(ShardKey("set2", 1))
    local(file).write_bytes(file.read_bytes()[:-300])
    source = RolloutSource.files(own_shards)
    with pytest.raises(NcaError, match=r"shard_00001\.npz is damaged .* materialize partition set2-00001"):
        list(source.transitions())
    batches = list(source.transitions(skip_damaged=True))
    assert len(batches) == len(source.transitions())
    assert sum(batch.skipped for batch in batches) == 4 * 139
    assert {source.ids[p].index // 4 for p, _ in samples(batches) if source.ids[p].set == "set2"} == {0, 2}
    assert all(batch.tokens.shape[0] == len(batch.starts) for batch in batches)


def test_a_single_damaged_member_costs_only_its_own_samples(own_shards: DataFolder) -> None:
    file = own_shards.tokens_file(ShardKey("set2", 1))
    content = bytearray(file.read_bytes())
    content[300] ^= 0xFF  # in the first member
    local(file).write_bytes(bytes(content))
    batches = list(RolloutSource.files(own_shards).transitions(skip_damaged=True))
    assert sum(batch.skipped for batch in batches) == 139


@pytest.mark.parametrize(
    ("options", "message"),
    [({"batch_size": 0}, "must be 1 or more"), ({"rank": 2, "ranks": 2}, "rank one of"), ({"ranks": 999}, "too few")],
)
def test_wrong_options_are_refused(source: RolloutSource, options: dict[str, Any], message: str) -> None:
    with pytest.raises(NcaError, match=message):
        source.transitions(**options)


MEMORY = """
import resource, sys
from nca_assets.data_folder import DataFolder
from nca_assets.loading.source import RolloutSource
source = RolloutSource.files(DataFolder.open(sys.argv[1]))
if len(sys.argv) > 2:
    source = source.take(range(int(sys.argv[2])))
stream = source.transitions(batch_size=256)
print(sum(batch.tokens.numel() for batch in stream), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.long
def test_memory_is_bounded_while_streaming_100_shards(shards: DataFolder, tmp_path: Path, resources: Resources) -> None:
    from shutil import copy

    from nca_assets.shards.write import write_shard
    from nca_assets.vocabulary.centroids import load_centroids

    many = DataFolder.create(tmp_path / "many", Shape(shard_size=32, sets=shards.sets))
    for name in ("centroids.pt", "centroids.json"):
        copy(local(shards / name), local(many / name))
    for number in range(100):
        write_shard(ShardKey("set1", number), load_centroids(many), many, resources)

    def stream(*most: str) -> tuple[int, int]:
        ran = subprocess.run(
            [sys.executable, "-c", MEMORY, str(many), *most], capture_output=True, text=True, check=True
        )
        tokens, kilobytes = map(int, ran.stdout.split())
        return tokens, kilobytes * 1024

    few_tokens, few_bytes = stream("320")
    all_tokens, all_bytes = stream()
    loaded_more = (all_tokens - few_tokens) / 2  # each frame is in two transitions
    assert loaded_more > 250e6
    assert all_bytes - few_bytes < loaded_more / 3
