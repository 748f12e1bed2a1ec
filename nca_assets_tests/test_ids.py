"""Names of rollouts, shards and files, as others rely on them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.errors import NcaError
from nca_assets.ids import VOCABULARY_SEED, RolloutId, ShardKey
from nca_assets.project import Project
from nca_assets_tests.conftest import local

CARD = Shape(shard_size=4, sets=card_sets(140))
NAMES = st.sampled_from([*CARD.sets, "set4", "set9999", "life"])


@given(name=NAMES, index=st.integers(0, 2**32 - 1))
def test_rollout_ids_read_back(name: str, index: int) -> None:
    assert RolloutId.parse(str(RolloutId(name, index))) == RolloutId(name, index)


def test_rollout_ids_are_written_like_this() -> None:
    assert str(RolloutId("set1", 17)) == "set1/000017"


@pytest.mark.parametrize("text", ["set0/000001", "set1/-1", "set1", "set1/1e3", "set1/4294967296", "../set1/0"])
def test_unknown_rollouts_are_refused(text: str) -> None:
    with pytest.raises(NcaError, match="unknown rollout"):
        RolloutId.parse(text)


@given(name=NAMES, number=st.integers(0, 99_999))
def test_partition_keys_read_back(name: str, number: int) -> None:
    assert ShardKey.parse(str(ShardKey(name, number))) == ShardKey(name, number)


@pytest.mark.parametrize("text", ["set1-0", "set1-00000 ", "set1/00000", "set0-00000", "Life-00000", "../set1-00000"])
def test_unknown_shards_are_refused(project: Project, text: str) -> None:
    for parse in (ShardKey.parse, project.shard_key):
        with pytest.raises(NcaError, match=r"unknown shard .*: write a set and a number, like set1-00000"):
            parse(text)


@pytest.mark.parametrize("text", ["set1-00004", "set4-00000", "life-00000"])
def test_unknown_partition_keys_are_refused_with_the_range(project: Project, text: str) -> None:
    with pytest.raises(NcaError, match="use set1-00000 to set3-00003, or raise NCA_SHARDS_PER_SET"):
        project.shard_key(text)


def test_sets_that_the_dataset_lacks_or_that_were_imported_have_no_recipes(data: DataFolder) -> None:
    with pytest.raises(NcaError, match="has no set 'set4': use one of set1, set2, set3"):
        data.own_set("set4")
    with pytest.raises(NcaError, match="set 'life' was imported: its rollouts have files but no recipes"):
        data.own_set("life")


def test_files_lie_where_the_card_has_them() -> None:
    data = DataFolder(Path("data"), None, CARD.shard_size, CARD.sets)
    assert data.tokens_file(ShardKey("set1", 0)) == Path("data/nca_dataset/shard_00000.npz")
    assert data.tokens_file(ShardKey("set2", 12)) == Path("data/nca_dataset_set2/shard_00012.npz")
    assert data.manifest_file(ShardKey("set3", 3)) == Path("data/nca_dataset_set3/shard_00003.json")
    assert data.labels_file(ShardKey("set1", 0)) == Path("data/labels/set=1/shard=00000.parquet")


def test_what_is_materialized_is_found_by_its_files(data: DataFolder, tmp_path: Path) -> None:
    keys = [ShardKey("set1", 2), ShardKey("set1", 10), ShardKey("set3", 0)]
    for key in reversed(keys):
        for file in (data.manifest_file(key), data.labels_file(key)):
            local(file.parent).mkdir(parents=True, exist_ok=True)
            local(file).touch()
    assert data.shards() == data.labelled_shards() == keys
    assert DataFolder.plan(tmp_path / "none", CARD).shards() == []


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
    data: DataFolder, place: str, stray: str, caplog: pytest.LogCaptureFixture
) -> None:
    for file in (data / f"{place}/{stray}", data / f"{place}/.shard_00000.json.swp"):
        local(file.parent).mkdir(parents=True, exist_ok=True)
        local(file).touch()
    for found in (data.shards, data.labelled_shards, data.imported_shards):
        assert found() == found() == []
    assert caplog.messages == [f"{data / place}/{stray} is ignored: unexpected file name"]


@pytest.mark.parametrize("folder", ["nca_dataset", "labels", "labels/set=1", "imported"])
def test_a_folder_that_cannot_be_read_is_not_an_empty_one(data: DataFolder, folder: str) -> None:
    path = local(data / folder)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(path)
    message = f"can't read the folder {path}: Too many levels of symbolic links"
    with pytest.raises(NcaError, match=message):
        assert not data.shards() + data.labelled_shards() + data.imported_shards()


def test_every_set_and_the_vocabulary_have_seeds_of_their_own() -> None:
    seeds = [VOCABULARY_SEED, *(rollout_set.seed for rollout_set in CARD.sets.values())]
    assert len(set(seeds)) == len(seeds)
