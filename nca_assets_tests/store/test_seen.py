"""A tick reads only what is new in a bucket, and finds what is damaged there all the same."""

from pathlib import PurePosixPath
from uuid import uuid4

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.ids import ShardKey
from nca_assets.store.location import BucketPath, Stored
from nca_assets.store.store import cache_of, whole_file
from nca_assets.warehouse.stale import Assessment, assess
from nca_assets_tests.conftest import fill
from nca_assets_tests.store.gateway import Gateway

KEYS = [ShardKey("set1", 0), ShardKey("set2", 1)]


@pytest.fixture
def data(gate: Gateway) -> DataFolder:
    assert gate
    made = DataFolder.create(
        BucketPath("nca", PurePosixPath("/", uuid4().hex)), Shape(shard_size=1, sets=card_sets(140))
    )
    fill(made, KEYS)
    return made


def replace(file: Stored, content: bytes) -> None:
    with whole_file(file) as out:
        out.write(content)


def without_memory(data: DataFolder) -> Assessment:
    for file in (cache_of(data.root) / "seen").iterdir():
        file.unlink()
    return assess(data, {})


def test_what_was_seen_is_not_read_again(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = assess(data, {})
    assert [row.rollouts for row in first.sets] == [1, 1]
    read: list[str] = []
    monkeypatch.setattr("nca_assets.store.seal.read_sealed", lambda file, *_: read.append(str(file)))
    assert assess(data, {}) == first
    assert read == []


@pytest.mark.parametrize("kind", ["manifest_file", "labels_file", "curve_sums_file"])
def test_damage_is_found_at_the_next_look_and_so_is_its_end(data: DataFolder, kind: str) -> None:
    file = getattr(data, kind)(KEYS[0])
    sound = file.read_bytes()
    before = assess(data, {})
    assert before.stale == []
    flipped = bytearray(sound)
    flipped[len(sound) // 2] ^= 1
    for content in (bytes(flipped), sound[:-1], b""):
        replace(file, content)
        for _ in range(2):
            [stale] = assess(data, {}).stale
            assert stale.partition_key == "set1-00000"
            assert f"{file.name} is damaged" in stale.reason
    replace(file, sound)
    assert assess(data, {}) == before


def test_another_sound_part_replaces_the_one_that_was_seen(data: DataFolder) -> None:
    assess(data, {})
    file, other = data.manifest_file(KEYS[0]), data.manifest_file(KEYS[1])
    sound = file.read_bytes()
    replace(file, other.read_bytes())  # sound in another place only
    assert [stale.partition_key for stale in assess(data, {}).stale] == ["set1-00000"]
    file.unlink()
    assert assess(data, {}) == without_memory(data)
    replace(file, sound)
    fill(data, [ShardKey("set1", 1)])
    found = assess(data, {})
    assert [row.shards for row in found.sets] == [2, 1]
    assert found == without_memory(data)


def test_a_damaged_memory_is_not_believed(data: DataFolder) -> None:
    first = assess(data, {})
    [memory] = (cache_of(data.root) / "seen").iterdir()
    content = bytearray(memory.read_bytes())
    content[len(content) // 2] ^= 1
    memory.write_bytes(content)
    assert assess(data, {}) == first
    assert bytes(content) != memory.read_bytes()
