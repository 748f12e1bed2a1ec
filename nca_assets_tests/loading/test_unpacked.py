"""Unpacked shards: the same tokens, written once, anew when the shard is another, never from a damaged one."""

import shutil

import numpy as np
import pytest
import torch

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import ShardKey
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.unpacked import _map, unpack, verify_unpacked
from nca_assets.settings import Resources
from nca_assets.shards.write import write_shard
from nca_assets.store.location import Stored
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets_tests.conftest import local

KEY = ShardKey("set1", 1)


def unpacked_files(data: DataFolder) -> set[Stored]:
    return set(local(data / "unpacked").rglob("*"))


def test_they_give_the_rollouts_of_the_shards(own_shards: DataFolder) -> None:
    source = RolloutSource.files(own_shards)
    for packed, unpacked in zip(source, source.unpacked(), strict=True):
        assert packed.id == unpacked.id
        np.testing.assert_array_equal(packed.tokens, unpacked.tokens)


def test_streams_over_them_are_the_same(own_shards: DataFolder) -> None:
    """Whole blocks lie together in memory; those with gaps do not."""
    every = RolloutSource.files(own_shards)
    for source in (every, every.take([0, 1, 3, 6, 7, 20])):
        pairs = zip(source.transitions(seed=4), source.unpacked().transitions(seed=4), strict=True)
        assert all(torch.equal(a, b) for one, other in pairs for a, b in zip(one[:2], other[:2], strict=True))


def test_batches_are_copies(own_shards: DataFolder) -> None:
    source = RolloutSource.files(own_shards).unpacked()
    stream = source.clips(16, shuffle=False)
    first = next(iter(stream))
    before = first.tokens.clone()
    first.tokens.zero_()
    assert torch.equal(next(iter(stream)).tokens, before)


def test_a_shard_is_unpacked_once_and_anew_when_it_is_another(own_shards: DataFolder, resources: Resources) -> None:
    first = unpack(KEY, own_shards)
    written = first.stat().st_mtime_ns
    assert unpack(KEY, own_shards) == first
    assert first.stat().st_mtime_ns == written
    save_centroids(load_centroids(own_shards).flip(0), own_shards, "imported from a test")
    write_shard(KEY, load_centroids(own_shards), own_shards, resources)
    source = RolloutSource.files(own_shards)
    np.testing.assert_array_equal(source[4].tokens, source.unpacked()[4].tokens)
    assert len(unpacked_files(own_shards)) == 2  # the set's folder and the new file
    assert not first.exists()


def test_damaged_and_missing_shards_are_not_unpacked(own_shards: DataFolder) -> None:
    file = own_shards.tokens_file(KEY)
    content = file.read_bytes()
    local(file).write_bytes(content[: len(content) // 2])
    source = RolloutSource.files(own_shards).unpacked()
    with pytest.raises(NcaError, match=r"shard_00001\.npz"):
        list(source.transitions())
    assert not list(local(own_shards / "unpacked" / "set1").glob("shard_00001*"))
    batches = list(source.transitions(skip_damaged=True))
    assert sum(batch.skipped for batch in batches) == 4 * 139
    shutil.rmtree(local(file.parent))
    with pytest.raises(NcaError, match=r"shard_00001\.json is missing: materialize partition set1-00001"):
        source[4]


@pytest.mark.parametrize("zeros", [True, False])
def test_a_damaged_unpacked_file_is_named_where_it_is_read_and_by_verification(
    own_shards: DataFolder, zeros: bool
) -> None:
    """It gave zeros, or NumPy's error, without a word."""
    file = unpack(KEY, own_shards)
    assert verify_unpacked(own_shards) == (1, [])
    size = file.stat().st_size
    file.unlink()  # what other tests have mapped stays as it was
    file.write_bytes(bytes(size if zeros else size // 2))
    source = RolloutSource.files(own_shards).unpacked()
    _map.cache_clear()
    with pytest.raises(DamageError, match=rf"{file.name} is damaged .*: remove it, and the shard is unpacked again"):
        _ = source[4]
    assert len(source[0].tokens) == 140
    [finding] = verify_unpacked(own_shards)[1]
    assert finding.startswith(f"{file} is damaged")
    file.unlink()
    _map.cache_clear()
    assert len(source[4].tokens) == 140
