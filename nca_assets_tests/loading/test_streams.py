"""Streams: right frames, one shape a batch, the same for all ranks, workers and starts, little memory."""

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.loading.gather import PAD
from nca_assets.loading.held import Batch
from nca_assets.loading.mix import mix
from nca_assets.loading.readers import Tokens
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.streams import LONG_HORIZON, Stream
from nca_assets.settings import Resources
from nca_assets_tests.conftest import local
from nca_assets_tests.loading.conftest import torch_loader


@pytest.fixture
def source(shards: DataFolder) -> RolloutSource:
    return RolloutSource.files(shards)


def samples(batches: list[Batch]) -> list[tuple[int, int]]:
    return [(position, start) for batch in batches for position, start in batch.origin.tolist()]


def joined(batches: Iterable[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    return [sample for batch in batches for sample in batch]


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


def test_the_global_batch_is_the_same_for_any_ranks_workers_and_start(source: RolloutSource) -> None:
    stream = source.transitions(200, seed=5, rollouts_open=40).at(3)
    whole = [samples([batch]) for batch in stream]
    assert len(whole) == len(stream)
    assert sorted(joined(whole)) == [(position, start) for position in range(len(source)) for start in range(139)]
    for ranks, workers, done in [(1, 2, 0), (1, 4, 7), (2, 0, 3), (3, 1, 11), (5, 0, 12), (8, 0, 5), (8, 3, 1)]:
        shares = [replace(stream, rank=rank, ranks=ranks).at(3, done).loader(workers) for rank in range(ranks)]
        together = [joined(samples([share]) for share in step) for step in zip(*shares, strict=True)]
        assert together == whole[done:], (ranks, workers, done)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_processes_of_torch_take_whole_batches_in_turn(source: RolloutSource, workers: int) -> None:
    stream = source.transitions(200, seed=5, rollouts_open=40).at(2, 3)
    loaded = list(torch_loader(stream, workers))
    assert [samples([batch]) for batch in loaded] == [samples([batch]) for batch in stream]
    assert all(isinstance(batch.tokens, torch.Tensor) for batch in loaded)


def test_ranks_read_only_what_their_slices_need(source: RolloutSource) -> None:
    read: list[int] = []

    class Watched(RolloutSource):
        def read(self, positions: Iterable[int], threads: int = 0) -> Iterator[Tokens | NcaError]:
            chosen = list(positions)
            read.extend(chosen)
            return super().read(chosen, threads)

    watched = Watched(source.table, source.reader, source.data)
    for rank in range(4):
        list(watched.transitions(8, rank=rank, ranks=4))
    assert len(source) <= len(read) < 3 * len(source)


def test_a_loader_goes_from_epoch_to_epoch_and_is_resumed_at_every_step(source: RolloutSource) -> None:
    stream = source.transitions(500, seed=5)
    epochs = [[samples([batch]) for batch in stream.at(epoch)] for epoch in range(3)]
    loader, states = stream.loader(), []
    for epoch in epochs[:2]:
        assert len(loader) == len(epoch)
        taken = []
        for batch in loader:
            taken.append(samples([batch]))
            states.append(json.loads(json.dumps(loader.state_dict())))
        assert taken == epoch
    following = [batch for epoch in epochs for batch in epoch]
    for done, state in enumerate(states, start=1):
        resumed = stream.loader()
        resumed.load_state_dict(state)
        assert len(resumed) == len(epochs[0]) - done % len(epochs[0])
        assert samples([next(iter(resumed))]) == following[done]


def test_a_loader_that_is_left_goes_on_where_it_was(source: RolloutSource) -> None:
    loader = source.transitions(500, seed=5).loader()
    taken = [samples([batch]) for batch, _ in zip(loader, range(3), strict=False)][:3]
    taken += [samples([batch]) for batch in loader]
    assert len({sample for batch in taken for sample in batch}) == sum(map(len, taken))


def test_an_epoch_can_be_set_as_for_torchs_samplers(source: RolloutSource) -> None:
    stream = source.transitions(500, seed=5)
    loader = stream.loader()
    for epoch in (0, 4, 2):
        loader.set_epoch(epoch)
        assert [samples([batch]) for batch in loader] == [samples([batch]) for batch in stream.at(epoch)]
    there = stream.at(2, 3).loader()
    there.set_epoch(2)  # of a run that goes on in the middle of it
    assert samples([next(iter(there))]) == samples([stream.at(2)[3]])


def test_the_state_of_another_stream_is_refused(source: RolloutSource) -> None:
    state = source.transitions(64).loader().state_dict()
    with pytest.raises(NcaError, match="another stream: its batch_size is 64, here 32"):
        source.transitions(32).loader().load_state_dict(state)
    with pytest.raises(NcaError, match="its rollouts is 24, here 12"):
        source.take(range(12)).transitions(64).loader().load_state_dict(state)


def test_an_epoch_that_begins_again_says_so(source: RolloutSource) -> None:
    loader = torch_loader(source.transitions(500), 0)
    first = samples(list(loader))
    with pytest.warns(UserWarning, match=r"epoch 0 begins again: take stream.at\(epoch\), or stream.loader\(\)"):
        assert samples(list(loader)) == first


def test_some_starts_of_every_rollout_make_an_epoch(source: RolloutSource) -> None:
    stream = source.transitions(16, per_rollout=3)
    epochs = [samples(list(stream.at(epoch))) for epoch in range(2)]
    for taken in epochs:
        assert sorted(position for position, _ in taken) == sorted(3 * [*range(len(source))])
        assert len(set(taken)) == len(taken)
    assert set(epochs[0]) != set(epochs[1])


def test_batches_can_have_a_budget_of_tokens(source: RolloutSource) -> None:
    sizes = [batch.tokens.numel() for batch in source.transitions(tokens=20_000, drop_last=True)]
    assert 16_000 < min(sizes) <= max(sizes) <= 20_000


def test_grids_fit_into_one_shape(source: RolloutSource) -> None:
    """By padding, and by cutting a part out of the torus."""
    rollouts = [np.asarray(rollout.tokens) for rollout in source]
    cropped = set()
    for batch in source.clips(3, 50, fit=(9, 7), seed=1).numpy():
        assert batch.tokens.shape[1:] == (3, 9, 7)
        for tokens, (position, start), (rows, columns) in zip(batch.tokens, batch.origin, batch.grids, strict=True):
            frames = rollouts[position][start : start + 3]
            height, width = frames.shape[1:]
            assert (rows, columns) == (min(height, 9), min(width, 7))
            places = [
                np.roll(frames, (-y, -x), axis=(1, 2))[:, :rows, :columns]
                for y in range(height if height > 9 else 1)
                for x in range(width if width > 7 else 1)
            ]
            found = [number for number, place in enumerate(places) if (place == tokens[:, :rows, :columns]).all()]
            assert found
            cropped.update(found)
            assert (tokens[:, rows:] == PAD).all()
            assert (tokens[:, :, columns:] == PAD).all()
        assert batch.mask.sum() == (batch.grids[:, 0] * batch.grids[:, 1]).sum()
        assert (batch.tokens == PAD)[~np.broadcast_to(batch.mask, batch.tokens.shape)].all()
    assert len(cropped) > 20


def test_fitted_batches_mix_grids_and_have_masks_of_tensors(source: RolloutSource) -> None:
    batch = next(iter(source.transitions(64, fit=(48, 48), seed=1)))
    assert len({tuple(grid) for grid in batch.grids.tolist()}) > 1
    assert batch.mask.dtype == torch.bool
    assert batch.mask.shape == (64, 1, 48, 48)


def test_numpy_batches_are_the_same(source: RolloutSource) -> None:
    for tensors, arrays in zip(source.transitions(500), source.transitions(500).numpy(), strict=True):
        assert isinstance(arrays.tokens, np.ndarray)
        np.testing.assert_array_equal(tensors.tokens, arrays.tokens)
        np.testing.assert_array_equal(tensors.origin, arrays.origin)


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # importing it raises
import nca_assets as nca
source = nca.open(sys.argv[1]).rollouts()
batch = next(iter(source.unpacked().transitions().numpy().loader(workers=2)))
mixed = nca.mix({source.clips(9).numpy(): 1.0}).loader()
print(type(batch.tokens).__name__, len(batch.tokens), type(next(iter(mixed)).tokens).__name__)
try:
    next(iter(source.transitions()))
except nca.NcaError as error:
    print(error)
"""


@pytest.mark.slow
def test_streams_work_without_torch(own_shards: DataFolder) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(own_shards.root)], capture_output=True, text=True, check=False
    )
    assert ran.stdout.splitlines() == [
        "ndarray 64 ndarray", "torch is not installed: install it, or take NumPy arrays (stream.numpy())",
    ], ran.stderr  # fmt: skip


def test_grain_loads_batches_by_number(source: RolloutSource) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grain = pytest.importorskip("grain")
        stream = source.transitions(500).numpy()
        taken = [batch.origin.tolist() for batch in grain.MapDataset.source(stream).to_iter_dataset()]
    assert taken == [batch.origin.tolist() for batch in stream]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda source: source.transitions(0), "batch_size is 0: give 1 or more"),
        (lambda source: source.transitions(tokens=0), "tokens is 0: give 1 or more"),
        (lambda source: source.transitions(rank=2, ranks=2), "rank is 2 of 2: give 0 to ranks - 1"),
        (lambda source: source.transitions(seed=2**32), "seed is 4294967296: give 0 to 4294967295"),
        (lambda source: source.transitions(fit=(0, 5)), r"fit is \(0, 5\): give a height and a width"),
        (lambda source: source.clips(141), "there is no batch: rollouts are shorter than 141 frames"),
        (lambda source: source.transitions(10**6, drop_last=True), "too few for a whole batch"),
        (lambda source: source.transitions().at(-1), "epoch is -1: give 0"),
        (lambda source: source.transitions().at(0, -1), "-1 batches are done of an epoch of"),
        (lambda source: source.transitions(500).at(0, 10**6), "1000000 batches are done of an epoch of"),
        (lambda source: source.transitions().loader(-1), "workers is -1: give 0 or more"),
        (lambda source: source.transitions()[:10], "a stream has no slices: take itertools.islice"),
        (lambda source: next(iter(torch_loader(source.transitions(), 0, 1))), "pass batch_size=None to the DataLoader"),
        (lambda source: mix({source.transitions(): 0.0}), "a mix needs streams with positive weights"),
        (lambda _: mix({}), "a mix needs streams with positive weights"),
    ],
)
def test_misuse_is_refused_in_plain_words(
    source: RolloutSource, wrong: Callable[[RolloutSource], object], message: str
) -> None:
    with pytest.raises(NcaError, match=message):
        wrong(source)


def test_the_end_of_an_epoch_is_a_place_to_resume_at(source: RolloutSource) -> None:
    stream = source.transitions(500)
    assert list(stream.at(0, len(stream))) == []
    assert samples([next(iter(stream.at(0, len(stream)).loader()))]) == samples([stream.at(1)[0]])


MEMORY = """
import resource, sys
from nca_assets.data_folder import DataFolder
from nca_assets.loading.source import RolloutSource
source = RolloutSource.files(DataFolder.open(sys.argv[1]))
if len(sys.argv) > 2:
    source = source.take(range(int(sys.argv[2])))
stream = source.transitions(batch_size=256, rollouts_open=128)
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
