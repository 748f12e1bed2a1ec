"""Shards: the card's layout, readable by plain NumPy, the same bytes each time, held to their manifests."""

import dataclasses
import hashlib
import io
import json
import os
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_rule
from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.project import Project
from nca_assets.settings import Resources
from nca_assets.shards.manifest import Member, read_manifest, rollout_digest, shard_digest
from nca_assets.shards.members import DEFLATE_LEVEL, PackedRollout, npy_bytes, pack, write_members
from nca_assets.shards.read import read_rollout, read_rollouts
from nca_assets.shards.rollouts import is_stored, rollout_tokens
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import digest, load_centroids, save_centroids
from nca_assets_tests.automaton.torch_reference import simulate
from nca_assets_tests.conftest import local

KEY = ShardKey("set1", 0)
ZIP64_VERSION = 45


def test_plain_numpy_reads_what_the_automaton_made(labelled: DataFolder, centroids: torch.Tensor) -> None:
    file = labelled.tokens_file(KEY)
    expected = simulate(
        [draw_rule(Population(1), index) for index in range(4)], centroids, labelled.sets["set1"].frames
    )
    with np.load(local(file), allow_pickle=False) as shard:
        assert list(shard) == [f"rollout_{index:06d}" for index in range(4)]
        for index, name in enumerate(shard):
            assert shard[name].dtype == np.uint8
            np.testing.assert_array_equal(shard[name], expected[index])


def test_members_are_deflated_with_time_varying_fastest(labelled: DataFolder) -> None:
    with zipfile.ZipFile(local(labelled.tokens_file(KEY))) as archive:
        assert archive.testzip() is None
        for member in archive.infolist():
            assert member.compress_type == zipfile.ZIP_DEFLATED
            content = archive.read(member)
            assert b"'fortran_order': True" in content[:80]
            deflate = isal_zlib.compressobj(DEFLATE_LEVEL, isal_zlib.DEFLATED, -15)
            assert member.compress_size == len(deflate.compress(content) + deflate.flush())


def test_the_same_shard_is_the_same_file(labelled: DataFolder, resources: Resources, centroids: torch.Tensor) -> None:
    file = labelled.tokens_file(KEY)
    before = file.read_bytes(), read_manifest(KEY, labelled)
    file.unlink()
    again = write_shard(KEY, centroids, labelled, resources.model_copy(update={"threads": 1}))
    assert file.read_bytes() == before[0]
    assert again.model_copy(update={"seconds": before[1].seconds}) == before[1]


@pytest.fixture(params=["UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"])
def time_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


def test_a_shard_is_the_same_file_in_every_time_zone(time_zone: str) -> None:
    """Its content is deflated by hand, since compressors of other processors may choose other bytes."""
    assert time.localtime().tm_zone != "UTC" or time_zone == "UTC"
    content = b"tokens"
    stored = b"\x01" + struct.pack("<HH", len(content), len(content) ^ 0xFFFF) + content
    member = Member(index=7, frames=1, height=1, width=1, digest="")
    file = io.BytesIO()
    write_members([PackedRollout(member, np.zeros(32, np.int64), content, stored)], file)
    assert zipfile.ZipFile(file).read("rollout_000007.npy") == content
    assert (
        hashlib.sha256(file.getvalue()).hexdigest()
        == "57bd697f5f5b4803b5b6583e4b3055a6e5d4010d882184433b4c7a234570420e"
    )


def test_the_manifest_says_what_is_in_the_shard(labelled: DataFolder, centroids: torch.Tensor) -> None:
    key = ShardKey("set2", 1)
    manifest = read_manifest(key, labelled)
    assert (manifest.set, manifest.shard, manifest.frames) == ("set2", 1, labelled.sets["set2"].frames)
    assert [member.index for member in manifest.members] == [4, 5, 6, 7]
    assert manifest.centroids_digest == digest(centroids)
    assert manifest.file_bytes == labelled.tokens_file(key).stat().st_size
    counts = np.zeros(32, dtype=int)
    for member, tokens in read_rollouts(key, labelled, manifest):
        counts += np.bincount(tokens.ravel(), minlength=32)
        content = struct.pack("<3I", *tokens.shape) + tokens.tobytes(order="C")
        assert member.digest == hashlib.sha256(content).hexdigest()
    assert manifest.token_counts == counts.tolist()
    assert manifest.tokens == counts.sum()
    joined = b"".join(bytes.fromhex(member.digest) for member in manifest.members)
    assert manifest.digest == hashlib.sha256(joined).hexdigest()


def test_changing_the_shard_size_changes_no_rollout(
    data: DataFolder, resources: Resources, centroids: torch.Tensor
) -> None:
    sizes = {}
    for size in (1, 3):
        there = DataFolder.create(data / str(size), Shape(shard_size=size, sets=data.sets))
        sizes[size] = [
            member
            for number in range(3 // size)
            for member in write_shard(ShardKey("set1", number), centroids, there, resources).members
        ]
    assert sizes[1] == sizes[3]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (("NCA_SHARD_SIZE", "8"), r"data has shards of 4 rollouts, not of 8 as requested: unset NCA_SHARD_SIZE"),
        (
            ("NCA_FRAMES", "200"),
            r"data has set1's frames 140, not 200 as requested: unset NCA_SHARD_SIZE and NCA_FRAMES",
        ),
    ],
)
def test_another_shard_size_or_length_in_one_folder_is_refused(
    labelled: DataFolder, monkeypatch: pytest.MonkeyPatch, setting: tuple[str, str], message: str
) -> None:
    monkeypatch.setenv(*setting)
    described = (labelled / "dataset.json").read_bytes()
    with pytest.raises(NcaError, match=message):
        Project.load().writable_data()
    assert (labelled / "dataset.json").read_bytes() == described


@given(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)), st.integers(0, 2**32))
def test_npy_members_read_back(shape: tuple[int, int, int], seed: int) -> None:
    import io

    tokens = np.random.default_rng(seed).integers(0, 32, shape, dtype=np.uint8)
    np.testing.assert_array_equal(np.load(io.BytesIO(npy_bytes(tokens)), allow_pickle=False), tokens)


def test_members_of_any_size_are_written_as_a_stream(tmp_path: Path) -> None:
    """The archive is on its way before the last rollout is made, and is in the format without a limit on sizes."""
    file = (tmp_path / "shard.npz").open("wb")
    written: list[int] = []

    def rollouts() -> Iterator[PackedRollout]:
        for index in range(6):
            written.append(file.tell())
            yield pack(index, np.random.default_rng(index).integers(0, 32, (140, 30, 30), dtype=np.uint8))

    with file:
        size = write_members(rollouts(), file)
    assert size == (tmp_path / "shard.npz").stat().st_size
    assert written[-1] > 0.75 * 5 / 6 * size
    with zipfile.ZipFile(tmp_path / "shard.npz") as archive:
        assert all(member.extract_version == ZIP64_VERSION for member in archive.infolist())
        assert archive.testzip() is None


@pytest.mark.parametrize("size", ["2", "8"])
def test_a_shard_size_that_is_set_otherwise_changes_nothing_in_reading(
    labelled: DataFolder, resources: Resources, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    monkeypatch.setenv("NCA_SHARD_SIZE", size)
    monkeypatch.setenv("NCA_FRAMES", "200")
    there = Project.load().data
    assert there == labelled
    assert (there.shard_size, there.sets) == (labelled.shard_size, labelled.sets)
    for rollout in (RolloutId("set1", 3), RolloutId("set2", 5), RolloutId("set1", 5)):
        expected = rollout_tokens(rollout, labelled, resources)
        np.testing.assert_array_equal(rollout_tokens(rollout, there, resources), expected)


def test_a_rollout_that_its_shard_does_not_list_is_named(labelled: DataFolder, resources: Resources) -> None:
    said = r"shard_00001\.json lists rollout_000004 to rollout_000007, but not rollout_000003: materialize"
    with pytest.raises(NcaError, match=said):
        rollout_tokens(RolloutId("set2", 3), dataclasses.replace(labelled, shard_size=2), resources)
    with pytest.raises(NcaError, match=r"shard_00000\.json lists rollout_000000 .* but not rollout_000005"):
        rollout_tokens(RolloutId("set1", 5), dataclasses.replace(labelled, shard_size=8), resources)


def test_a_manifest_of_another_shard_is_named(labelled: DataFolder, resources: Resources) -> None:
    others = labelled.manifest_file(ShardKey("set2", 1))
    local(labelled.manifest_file(KEY)).write_bytes(others.read_bytes())
    with pytest.raises(NcaError, match=r"is damaged \(it does not match its seal\): materialize partition set1-00000"):
        rollout_tokens(RolloutId("set1", 2), labelled, resources)


def test_digests_depend_on_shape_and_order() -> None:
    tokens = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    same_bytes = tokens.reshape(2, 4, 3)
    assert rollout_digest(tokens) != rollout_digest(same_bytes)
    assert rollout_digest(tokens) == rollout_digest(np.asfortranarray(tokens))
    digests = [rollout_digest(tokens), rollout_digest(same_bytes)]
    assert shard_digest(digests) != shard_digest(reversed(digests))


def test_one_rollout_by_its_id_from_the_shard_or_from_its_recipe(labelled: DataFolder, resources: Resources) -> None:
    stored = rollout_tokens(RolloutId("set1", 2), labelled, resources)
    np.testing.assert_array_equal(stored, read_rollout(KEY, labelled, 2))
    for file in (labelled.tokens_file(KEY), labelled.manifest_file(KEY)):
        assert is_stored(RolloutId("set1", 2), labelled) == (file == labelled.tokens_file(KEY))
        local(file).unlink()
        np.testing.assert_array_equal(rollout_tokens(RolloutId("set1", 2), labelled, resources), stored)


def test_a_rollout_that_its_recipe_does_not_give_any_more_is_not_simulated(
    labelled: DataFolder, resources: Resources
) -> None:
    save_centroids(load_centroids(labelled).flip(0), labelled, "learned")
    local(labelled.tokens_file(KEY)).unlink()
    with pytest.raises(NcaError, match="is not what its manifest says, which is of another recipe or vocabulary: mat"):
        rollout_tokens(RolloutId("set1", 2), labelled, resources)


def flip_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(content)


def replace_member(file: Path, tokens: np.ndarray) -> None:
    with np.load(file, allow_pickle=False) as shard:
        members = dict(shard)
    members["rollout_000001"] = tokens
    np.savez_compressed(file, **members)


def change_directory(file: Path, offset: int, value: int) -> None:
    """Change a byte of the first entry in the archive's directory."""
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\1\2") + offset] = value
    file.write_bytes(content)


def drop_member(file: Path) -> None:
    with np.load(file, allow_pickle=False) as shard:
        members = {name: shard[name] for name in shard if name != "rollout_000001"}
    np.savez_compressed(file, **members)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, r"shard_00000.npz is missing"),
        (flip_a_byte, r"shard_00000.npz(: rollout_00000\d)? (is damaged|differs from its digest)"),
        (lambda file: os.truncate(file, 1000), r"shard_00000.npz is damaged"),
        (lambda file: file.write_bytes(b"no zip at all"), r"shard_00000.npz is damaged"),
        (drop_member, r"shard_00000.npz: rollout_000001 is missing"),
        (
            lambda f: replace_member(f, np.zeros((140, 8, 8), np.uint8)),
            r"rollout_000001 differs from its digest",
        ),
        (
            lambda f: replace_member(f, np.full((140, 8, 8), 32, np.uint8)),
            r"rollout_000001 holds token 32, beyond 31",
        ),
        (
            lambda f: replace_member(f, np.zeros((139, 8, 8), np.uint8)),
            r"rollout_000001 is \(139, 8, 8\), not \(140, 8",
        ),
        (lambda f: replace_member(f, np.zeros((140, 8, 8))), r"damaged \(is float64 \(140, 8, 8\), not integers"),
        (lambda f: replace_member(f, np.array([{}])), r"damaged \(Object arrays cannot be loaded"),
        (lambda f: change_directory(f, 6, 99), r"shard_00000.npz is damaged \(zip file version 9\.9"),
        (lambda f: change_directory(f, 8, 1), r"shard_00000.npz is damaged \(.* encrypted"),
        (lambda f: change_directory(f, 10, 77), r"shard_00000.npz is damaged \(That compression method"),
        (lambda f: (f.unlink(), f.mkdir()), r"shard_00000.npz is damaged \(.*Is a directory"),
    ],
)
def test_damage_is_named_with_the_remedy(labelled: DataFolder, damage: Callable[[Path], object], message: str) -> None:
    damage(local(labelled.tokens_file(KEY)))
    manifest = read_manifest(KEY, labelled)
    with pytest.raises(NcaError, match=message + r".*: materialize partition set1-00000 of rollout_shards again$"):
        list(read_rollouts(KEY, labelled, manifest))


@pytest.mark.parametrize("content", ["", "{", "{}", json.dumps({"set": "set1"})])
def test_a_damaged_manifest_is_named_and_its_shard_can_be_made_again(
    labelled: DataFolder, resources: Resources, centroids: torch.Tensor, content: str
) -> None:
    local(labelled.manifest_file(KEY)).write_text(content)
    with pytest.raises(NcaError, match=r"shard_00000\.json is damaged .* materialize partition set1-00000"):
        read_manifest(KEY, labelled)
    write_shard(KEY, centroids, labelled, resources)
    assert read_manifest(KEY, labelled).shard == 0


def test_a_damaged_manifest_keeps_no_other_shard_from_being_made(
    labelled: DataFolder, resources: Resources, centroids: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    local(labelled.manifest_file(KEY)).write_text("")
    assert write_shard(ShardKey("set1", 3), centroids, labelled, resources).shard == 3
    monkeypatch.setenv("NCA_SHARD_SIZE", "8")
    with pytest.raises(NcaError, match=r"has shards of 4 rollouts, not of 8 as requested:"):
        Project.load().writable_data()


def test_a_full_disk_leaves_the_old_shard(
    labelled: DataFolder, resources: Resources, centroids: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = labelled.tokens_file(KEY).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NcaError, match=r"can't write .*shard_00000\.npz: No space left on device"):
        write_shard(KEY, centroids, labelled, resources)
    assert labelled.tokens_file(KEY).read_bytes() == before
    assert sorted(file.name for file in local(labelled.tokens_file(KEY).parent).iterdir()) == [
        "shard_00000.json",
        "shard_00000.npz",
    ]


def test_without_cuda_a_gpu_asked_for_by_name_is_an_error(
    data: DataFolder, resources: Resources, centroids: torch.Tensor
) -> None:
    count = torch.cuda.device_count()
    save_centroids(centroids, data, "learned")
    with pytest.raises(NcaError, match=f"NCA_DEVICE=cuda:{count}: torch finds {count} CUDA devices"):
        write_shard(KEY, centroids, data, resources.model_copy(update={"device": f"cuda:{count}"}))
