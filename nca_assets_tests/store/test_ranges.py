"""A rollout of a shard in a bucket costs its bytes, not the shard's, and is held to its digest all the same."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.errors import DamageError, OvertakenError
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.loading.readers import Request, read_apart
from nca_assets.settings import Resources, load
from nca_assets.shards import archive
from nca_assets.shards.manifest import Manifest, Member, shard_digest, write_manifest
from nca_assets.shards.members import PackedRollout, pack, write_members
from nca_assets.shards.read import read_rollout, read_rollouts
from nca_assets.shards.rollouts import rollout_tokens
from nca_assets.store import copies, ranges
from nca_assets.store.location import BucketPath
from nca_assets.store.store import in_parts, whole_file
from nca_assets_tests.servers import S3
from nca_assets_tests.store.gateway import Gateway

KEY = ShardKey("set1", 0)
ROLLOUTS, SHAPE = 320, (130, 20, 20)


def tokens_of(index: int) -> NDArray[np.uint8]:
    return np.random.default_rng(index).integers(0, 32, SHAPE, dtype=np.uint8)


def write_random_shard(data: DataFolder, first_seed: int = 0) -> Manifest:
    members: list[Member] = []
    counts = np.zeros(32, dtype=np.int64)

    def packed() -> Iterator[PackedRollout]:
        for index in range(ROLLOUTS):
            rollout = pack(index, tokens_of(first_seed + index))
            members.append(rollout.member)
            counts.__iadd__(rollout.token_counts)
            yield rollout

    with whole_file(data.tokens_file(KEY)) as file:
        size = write_members(packed(), file)
    manifest = Manifest(
        set="set1", shard=0, recipe_version=1, digest=shard_digest(member.digest for member in members),
        token_counts=counts.tolist(), file_bytes=size, seconds=1.0, members=members,
    )  # fmt: skip
    write_manifest(manifest, KEY, data)
    return manifest


@pytest.fixture(scope="module")
def large(s3: S3) -> tuple[DataFolder, Manifest]:
    """A shard of many random rollouts, whose tokens can't be packed well."""
    assert s3
    data = DataFolder.create(
        BucketPath("nca", PurePosixPath("/large")), Shape(shard_size=ROLLOUTS, sets=card_sets(140))
    )
    return data, write_random_shard(data)


def test_a_rollout_costs_its_bytes(large: tuple[DataFolder, Manifest], gate: Gateway) -> None:
    data, manifest = large
    gate.asked.clear()
    tokens = rollout_tokens(RolloutId("set1", 200), data, load(Resources))
    np.testing.assert_array_equal(tokens, tokens_of(200))
    rollout = len(pack(200, tokens).deflated)
    assert sum(asked.bytes for asked in gate.asked) < rollout + 0.05 * manifest.file_bytes
    assert len(gate.asked) < 10


def test_a_few_rollouts_cost_theirs(large: tuple[DataFolder, Manifest], gate: Gateway) -> None:
    data, manifest = large
    wanted = [Request(RolloutId("set1", index), 0, SHAPE) for index in (3, 77, 319)]
    gate.asked.clear()
    for request, tokens in zip(wanted, read_apart(wanted, data, load(Resources)), strict=True):
        np.testing.assert_array_equal(tokens, tokens_of(request.rollout.index))
    assert sum(asked.bytes for asked in gate.asked) < 0.08 * manifest.file_bytes


def test_a_whole_shard_is_fetched_once(large: tuple[DataFolder, Manifest], gate: Gateway) -> None:
    data, manifest = large
    gate.asked.clear()
    for _ in range(2):
        assert len(list(read_rollouts(KEY, data, manifest))) == ROLLOUTS
    assert sum(asked.bytes >= manifest.file_bytes for asked in gate.asked) <= 1
    assert sum(asked.bytes for asked in gate.asked) < 1.01 * manifest.file_bytes


def test_a_server_that_answers_no_ranges_gives_the_shard(large: tuple[DataFolder, Manifest]) -> None:
    data, _ = large
    ranges._opened.cache_clear()  # what another test has opened by a server that does
    there = in_parts(data.tokens_file(KEY))
    assert isinstance(there, Path)
    assert copies.CACHE in there.parents
    np.testing.assert_array_equal(read_rollout(KEY, data, 5), tokens_of(5))


@pytest.fixture
def small(gate: Gateway) -> DataFolder:
    """A shard of its own, of which only the directory is fetched ahead."""
    assert gate
    data = DataFolder.create(
        BucketPath("nca", PurePosixPath("/small")), Shape(shard_size=ROLLOUTS, sets=card_sets(140))
    )
    write_random_shard(data)
    return data


def test_damage_is_found_where_it_is(small: DataFolder) -> None:
    file = small.tokens_file(KEY)
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    with whole_file(file) as out:
        out.write(content)
    with pytest.raises(DamageError, match=r"shard_00000\.npz"):
        read_rollout(KEY, small, 0)
    np.testing.assert_array_equal(read_rollout(KEY, small, 300), tokens_of(300))


def test_another_rollout_than_the_manifest_lists_is_refused(small: DataFolder) -> None:
    manifest = write_random_shard(small, first_seed=1000)
    write_random_shard(small)
    write_manifest(manifest, KEY, small)
    with pytest.raises(DamageError, match="rollout_000200 differs from its digest in the manifest"):
        read_rollout(KEY, small, 200)


def test_a_shard_that_is_replaced_meanwhile_is_not_read_on(small: DataFolder) -> None:
    opened = in_parts(small.tokens_file(KEY))
    with archive.Archive(opened) as there:
        assert there.names[0] == "rollout_000000"
    write_random_shard(small, first_seed=1000)
    with pytest.raises(OvertakenError, match="was replaced while it was read: read it again"):
        archive.read_tokens(opened, "rollout_000000")
    np.testing.assert_array_equal(read_rollout(KEY, small, 0), tokens_of(1000))


def test_a_missing_shard_is_named(small: DataFolder) -> None:
    small.tokens_file(KEY).unlink()
    with pytest.raises(DamageError, match=r"shard_00000\.npz is missing"):
        read_rollout(KEY, small, 0)


@pytest.mark.parametrize("content", [b"", b"no archive", b"x" * (2 * ranges.TAIL)])
def test_what_is_no_archive_is_damaged(small: DataFolder, content: bytes) -> None:
    with whole_file(small.tokens_file(KEY)) as file:
        file.write(content)
    with pytest.raises(DamageError, match=r"shard_00000\.npz is damaged"):
        read_rollout(KEY, small, 0)


def test_a_file_that_is_read_in_parts_is_like_any_other(small: DataFolder) -> None:
    opened = in_parts(small.tokens_file(KEY))
    whole = small.tokens_file(KEY).read_bytes()
    with opened.open("rb") as file:
        for start in (0, 10, len(whole) - ranges.TAIL - 7, len(whole) - 3, len(whole), len(whole) + 5):
            file.seek(start)
            assert file.read(100) == whole[start : start + 100]
            assert file.tell() == start + len(whole[start : start + 100])
        file.seek(-100_000, 2)
        assert file.read() == whole[-100_000:]
    with pytest.raises(ValueError, match="open for reading only"):
        opened.open("wb")
