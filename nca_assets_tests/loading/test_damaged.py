"""Damaged rollouts stop a stream or, if that is asked for, are left out and counted."""

import errno
from contextlib import nullcontext

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError, TransientError
from nca_assets.ids import ShardKey
from nca_assets.loading.source import RolloutSource
from nca_assets_tests.conftest import local


def test_a_corrupt_shard_raises_or_is_skipped_and_counted(own_shards: DataFolder) -> None:
    file = own_shards.tokens_file(ShardKey("set2", 1))
    local(file).write_bytes(file.read_bytes()[:-300])
    source = RolloutSource.files(own_shards)
    with pytest.raises(NcaError, match=r"shard_00001\.npz is damaged .* materialize partition set2-00001"):
        list(source.transitions())
    batches = list(source.transitions(skip_damaged=True))
    assert len(batches) == len(source.transitions())
    assert sum(batch.skipped for batch in batches) == 4 * 139
    there = {source.ids[position] for batch in batches for position in batch.rollouts.tolist()}
    assert {rollout.index // 4 for rollout in there if rollout.set == "set2"} == {0, 2}
    assert all(batch.tokens.shape[0] == len(batch.starts) for batch in batches)


def test_a_single_damaged_member_costs_only_its_own_samples(own_shards: DataFolder) -> None:
    file = own_shards.tokens_file(ShardKey("set2", 1))
    content = bytearray(file.read_bytes())
    content[300] ^= 0xFF  # in the first member
    local(file).write_bytes(bytes(content))
    batches = list(RolloutSource.files(own_shards).transitions(skip_damaged=True))
    assert sum(batch.skipped for batch in batches) == 139


@pytest.mark.parametrize(
    ("failure", "errno_", "skipped"),
    [
        (DamageError("its digest differs"), 0, True),
        (TransientError("a sector can't be read"), errno.EIO, True),
        (TransientError("too many open files"), errno.EMFILE, False),
        (TransientError("the bucket does not answer"), 0, False),
        (NcaError("there is no vocabulary"), 0, False),
    ],
    ids=["damage", "sector", "files", "bucket", "vocabulary"],
)
def test_only_what_is_wrong_with_a_file_is_skipped(
    own_shards: DataFolder, failure: NcaError, errno_: int, skipped: bool
) -> None:
    """A network that was down cost an epoch without a word."""
    failure.__cause__ = OSError(errno_, "failed") if errno_ else None
    table = RolloutSource.files(own_shards).table
    source = RolloutSource(table, lambda wanted, *_: (failure for _ in wanted), own_shards)
    batches = iter(source.transitions(skip_damaged=True))
    with nullcontext() if skipped else pytest.raises(type(failure), match=str(failure)):
        assert next(batches).skipped == 64
