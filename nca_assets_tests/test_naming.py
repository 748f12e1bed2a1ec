"""Names of rollouts, shards and files, as others rely on them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.errors import NcaError
from nca_assets.naming import (
    SETS,
    VOCABULARY_SEED,
    RolloutId,
    ShardKey,
    imported_shards,
    materialized_labels,
    materialized_shards,
    some_materialized_shards,
)
from nca_assets_tests.conftest import local

DATA = Path("data")


@given(name=st.sampled_from(sorted(SETS)), index=st.integers(0, 2**32 - 1))
def test_rollout_ids_read_back(name: str, index: int) -> None:
    assert RolloutId.parse(str(RolloutId(name, index))) == RolloutId(name, index)


def test_rollout_ids_are_written_like_this() -> None:
    assert str(RolloutId("set1", 17)) == "set1/000017"


@pytest.mark.parametrize("text", ["set4/000001", "set1/-1", "set1", "set1/1e3", "set1/4294967296", "../set1/0"])
def test_unknown_rollouts_are_refused(text: str) -> None:
    with pytest.raises(NcaError, match="unknown rollout"):
        RolloutId.parse(text)


@given(name=st.sampled_from(sorted(SETS)), number=st.integers(0, 99_999))
def test_partition_keys_read_back(name: str, number: int) -> None:
    assert ShardKey.parse(str(ShardKey(name, number)), shards_per_set=100_000) == ShardKey(name, number)


@pytest.mark.parametrize("text", ["set1-00004", "set4-00000", "set1-0", "set1-00000 ", "set1/00000"])
def test_unknown_partition_keys_are_refused_with_the_range(text: str) -> None:
    with pytest.raises(NcaError, match="use set1-00000 to set3-00003, or raise NCA_SHARDS_PER_SET"):
        ShardKey.parse(text, shards_per_set=4)


def test_files_lie_where_the_card_has_them() -> None:
    assert ShardKey("set1", 0).tokens_file(DATA) == Path("data/nca_dataset/shard_00000.npz")
    assert ShardKey("set2", 12).tokens_file(DATA) == Path("data/nca_dataset_set2/shard_00012.npz")
    assert ShardKey("set3", 3).manifest_file(DATA) == Path("data/nca_dataset_set3/shard_00003.json")
    assert ShardKey("set1", 0).labels_file(DATA) == Path("data/labels/set=1/shard=00000.parquet")


def test_what_is_materialized_is_found_by_its_files(tmp_path: Path) -> None:
    keys = [ShardKey("set1", 2), ShardKey("set1", 10), ShardKey("set3", 0)]
    for key in reversed(keys):
        for file in (key.manifest_file(tmp_path), key.labels_file(tmp_path)):
            local(file.parent).mkdir(parents=True, exist_ok=True)
            local(file).touch()
    assert materialized_shards(tmp_path) == materialized_labels(tmp_path) == keys
    assert materialized_shards(tmp_path / "none") == []
    assert set(some_materialized_shards(tmp_path)) == set(keys)
    assert list(some_materialized_shards(tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("place", "stray"),
    [
        ("nca_dataset", "shard_00000 (copy).json"),
        ("nca_dataset", "shard_00000.json~"),
        ("nca_dataset", "shard_1.json"),
        ("labels/set=1", "shard=00000 (1).parquet"),
        ("labels/set=9", "shard=00000.parquet"),
        ("imported/life", "shard_00000.json.bak"),
        ("imported/Life", "shard_00000.json"),
    ],
)
def test_stray_copies_are_ignored_with_one_line(
    tmp_path: Path, place: str, stray: str, caplog: pytest.LogCaptureFixture
) -> None:
    for file in (tmp_path / place / stray, tmp_path / place / ".shard_00000.json.swp"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    for found in (materialized_shards, materialized_labels, imported_shards):
        assert found(tmp_path) == found(tmp_path) == []
    assert caplog.messages == [f"{tmp_path / place / stray} is ignored: nothing here has such a name"]


@pytest.mark.parametrize("folder", ["nca_dataset", "labels", "labels/set=1", "imported"])
def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).parent.mkdir(exist_ok=True)
    (tmp_path / folder).symlink_to(tmp_path / folder)
    message = f"can't read the folder {tmp_path / folder}: Too many levels of symbolic links"
    with pytest.raises(NcaError, match=message):
        assert not materialized_shards(tmp_path) + materialized_labels(tmp_path) + imported_shards(tmp_path)


def test_every_set_and_the_vocabulary_have_seeds_of_their_own() -> None:
    seeds = [VOCABULARY_SEED, *(rollout_set.seed for rollout_set in SETS.values())]
    assert len(set(seeds)) == len(seeds)
