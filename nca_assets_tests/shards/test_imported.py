"""Other people's shards: registered where they lie, checked, labelled, and never claimed to follow from a recipe."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.labels.metrics import measure
from nca_assets.labels.write import write_labels
from nca_assets.loading.source import RolloutSource
from nca_assets.settings import Resources
from nca_assets.shards.findings import recorded_findings
from nca_assets.shards.imported import register, shard_keys
from nca_assets.shards.manifest import read_manifest, rollout_digest
from nca_assets.shards.read import read_rollout, read_rollouts
from nca_assets.shards.rollouts import regenerate, rollout_tokens
from nca_assets.shards.verify import verify_shard
from nca_assets.store import copies
from nca_assets.store.location import parse_location
from nca_assets.store.store import whole_file
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.conftest import local
from nca_assets_tests.labels import movies
from nca_assets_tests.servers import S3, stopped

KEY = ShardKey("life", 0)


def save(file: Path, **arrays: np.ndarray) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file


@pytest.fixture
def life(tmp_path: Path) -> Path:
    """A folder of two files: one movie, a batch of two; then one of 256 tokens."""
    folder = tmp_path / "life"
    save(
        folder / "a.npz", one=movies.cycle(3), batch=np.stack([movies.noise(), movies.flickering(movies.noise(), 0.1)])
    )
    wide = np.random.default_rng(5).integers(0, 256, (150, 30, 60))
    save(folder / "b.npz", wide=wide)
    return folder


def test_files_become_shards_and_rollouts_are_numbered_through(
    life: Path, data: DataFolder, resources: Resources
) -> None:
    keys = shard_keys(life, "life", data)
    assert keys == {ShardKey("life", 0): life / "a.npz", ShardKey("life", 1): life / "b.npz"}
    for key, file in keys.items():
        register(key, file, data)
    manifest = read_manifest(KEY, data)
    assert [(m.index, m.key, m.position, m.frames, m.height, m.width) for m in manifest.members] == [
        (0, "one", None, 300, 12, 17),
        (1, "batch", 0, 300, 20, 20),
        (2, "batch", 1, 300, 20, 20),
    ]
    assert read_manifest(ShardKey("life", 1), data).members[0].index == 3
    assert [m.digest for m, _ in read_rollouts(KEY, data, read_manifest(KEY, data))] == [
        rollout_digest(movies.cycle(3)),
        rollout_digest(movies.noise()),
        rollout_digest(movies.flickering(movies.noise(), 0.1)),
    ]
    assert sum(manifest.token_counts) == 300 * (12 * 17 + 2 * 400)
    assert np.array_equal(read_rollout(KEY, data, 1), movies.noise())
    assert rollout_tokens(RolloutId("life", 3), data, resources).max() == 255


def test_files_in_a_bucket_are_registered_where_they_lie(
    life: Path, data: DataFolder, resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stopped(S3(tmp_path)) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(copies, "CACHE", tmp_path / "cache")
        folder = parse_location("s3://nca/others")
        for file in life.iterdir():
            with whole_file(folder / file.name) as there:
                there.write(file.read_bytes())
        keys = shard_keys(folder, "life", data)
        for key, file in keys.items():
            register(key, file, data)
            write_labels(key, data, resources)
        manifest = read_manifest(KEY, data)
        assert manifest.source == "s3://nca/others/a.npz"
        assert manifest.file_bytes == (life / "a.npz").stat().st_size
        assert shard_keys(folder, "life", data) == keys
        build_warehouse(data)
        assert whole_table("SELECT * FROM stale_partitions WHERE asset = 'imported_shards'", data).is_empty()
        tokens = [rollout.tokens for rollout in RolloutSource.where("true", data)]
        np.testing.assert_array_equal(tokens[2], movies.flickering(movies.noise(), 0.1))
        (folder / "a.npz").unlink()
        with pytest.raises(DamageError, match=r"s3://nca/others/a\.npz is missing: put it back, or import life-00000"):
            verify_shard(KEY, data, resources, 1)


def test_a_file_keeps_its_shard_when_others_come(life: Path, data: DataFolder) -> None:
    register(KEY, life / "b.npz", data)
    save(life / "0.npz", more=movies.noise())
    assert shard_keys(life, "life", data) == {
        KEY: life / "b.npz",
        ShardKey("life", 1): life / "0.npz",
        ShardKey("life", 2): life / "a.npz",
    }


def test_a_shard_whose_manifest_is_damaged_is_imported_again(
    life: Path, data: DataFolder, resources: Resources
) -> None:
    for key, file in shard_keys(life, "life", data).items():
        register(key, file, data)
    before = [read_manifest(ShardKey("life", number), data).digest for number in range(2)]
    local(data.manifest_file(KEY)).write_text("{")
    with pytest.raises(DamageError, match=r"shard_00000\.json is damaged .*: import life-00000 again with 'nca import"):
        verify_shard(KEY, data, resources, 4)
    assert rollout_tokens(RolloutId("life", 3), data, resources).max() == 255
    keys = shard_keys(life, "life", data)
    assert keys == {KEY: life / "a.npz", ShardKey("life", 1): life / "b.npz"}
    assert [register(key, file, data).digest for key, file in keys.items()] == before


def test_labels_are_what_the_tokens_tell(life: Path, data: DataFolder, resources: Resources) -> None:
    for key, file in shard_keys(life, "life", data).items():
        register(key, file, data)
        write_labels(key, data, resources)
    rows = pl.read_parquet(local(data.labels_file(KEY)), hive_partitioning=False)
    assert rows["rollout_id"].to_list() == ["life/000000", "life/000001", "life/000002"]
    assert rows["behavior"][0] == "periodic"
    assert rows["period"][0] == 3
    assert measure(movies.noise())[0].items() <= rows.row(1, named=True).items()
    for unknown in ("recipe_version", "family", "start", "damage", "saturation"):
        assert rows[unknown].null_count() == 3
    wide = pl.read_parquet(local(data.labels_file(ShardKey("life", 1))), hive_partitioning=False).row(0, named=True)
    assert wide["tokens_used"] == 256
    assert 7.9 < wide["token_entropy"] <= 8
    assert 7.9 - 0.7 < wide["conditional_entropy"] <= 8


@given(st.integers(0, 255), st.integers(1, 6), st.integers(1, 6), st.sampled_from(["u1", "i2", "i8", "u4", ">u2"]))
def test_any_integers_below_256_are_tokens(token: int, height: int, width: int, kind: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        movie = np.full((129, height, width), token, dtype=kind)
        data = DataFolder.plan(folder, Shape(shard_size=4, sets=card_sets(140)))
        register(KEY, save(Path(folder) / "a.npz", movie=movie), data)
        [(member, tokens)] = read_rollouts(KEY, data, read_manifest(KEY, data))
        assert (tokens == token).all()
        assert (member.height, member.width) == (height, width)


BAD = {
    "floats": (np.zeros((130, 4, 4)), r"a\.npz: movie is float64 \(130, 4, 4\), not integers"),
    "flat": (np.zeros((130, 4), dtype=int), r"is int64 \(130, 4\), not integers \(T, H, W\)"),
    "too short": (np.zeros((128, 4, 4), dtype=int), "has 128 frames, labels need at least 129"),
    "too large": (np.zeros((130, 200, 200), dtype="u1"), "frames of 200x200 cells, beyond 1 to 32767"),
    "token 256": (np.full((130, 4, 4), 256), "holds 256 to 256, beyond tokens 0 to 255"),
    "durations": (np.zeros((130, 4, 4), "m8[s]"), r"is timedelta64\[s\] \(130, 4, 4\), not integers"),
    "negative": (np.full((130, 4, 4), -1), "holds -1 to -1, beyond tokens 0 to 255"),
}


@pytest.mark.parametrize("case", BAD)
def test_unfit_arrays_are_named_and_nothing_is_registered(tmp_path: Path, data: DataFolder, case: str) -> None:
    array, message = BAD[case]
    with pytest.raises(NcaError, match=message):
        register(KEY, save(tmp_path / "a.npz", movie=array), data)
    assert not (data / "imported").exists()


def test_unfit_files_and_names_are_said(tmp_path: Path, data: DataFolder) -> None:
    (tmp_path / "a.npz").write_bytes(b"hello")
    with pytest.raises(NcaError, match=r"a\.npz is not a readable \.npz"):
        register(KEY, tmp_path / "a.npz", data)
    np.savez(tmp_path / "o.npz", allow_pickle=True, objects=np.array([{}], dtype=object))
    with pytest.raises(NcaError, match=r"o\.npz is not a readable \.npz of plain arrays \(Object arrays"):
        register(KEY, tmp_path / "o.npz", data)
    with ZipFile(save(tmp_path / "d.npz", one=movies.noise()), "a") as twice, pytest.warns(match="Duplicate name"):
        twice.writestr("one.npy", twice.read("one.npy"))
    with pytest.raises(
        NcaError, match=r"d\.npz is not a readable \.npz of plain arrays \(several members have the same"
    ):
        register(KEY, tmp_path / "d.npz", data)
    np.savez(tmp_path / "e.npz", allow_pickle=False)
    with pytest.raises(NcaError, match="holds no array"):
        register(KEY, tmp_path / "e.npz", data)
    for name in ("set4", "Life", "../life", "", "a-b"):
        with pytest.raises(NcaError, match="a set can't be called"):
            shard_keys(tmp_path, name, data)
    with pytest.raises(NcaError, match=r"holds no \.npz file"):
        shard_keys(local(data.root), "life", data)
    with pytest.raises(NcaError, match="is missing: import life-00000 again with 'nca import shards FOLDER'"):
        register(KEY, None, data)


def test_what_changed_since_is_noticed_and_noted(life: Path, data: DataFolder, resources: Resources) -> None:
    register(KEY, life / "a.npz", data)
    assert verify_shard(KEY, data, resources, 4) == 0
    changed = movies.cycle(3)
    changed[7, 0, 0] ^= 1
    save(life / "a.npz", one=changed, batch=np.stack([movies.noise(), movies.noise()]))
    with pytest.raises(
        NcaError,
        match=r"a\.npz: one differs from its digest in the manifest: put it back, or import life-00000",
    ):
        verify_shard(KEY, data, resources, 4)
    assert "differs from its digest" in recorded_findings(data)["life-00000"]
    with pytest.raises(NcaError, match="differs from its digest"):
        write_labels(KEY, data, resources)
    register(KEY, None, data)
    assert recorded_findings(data) == {}
    save(life / "a.npz", one=changed)
    with pytest.raises(NcaError, match=r"holds 1 rollouts, life-00000 has 3: import it under another name"):
        register(KEY, None, data)
    (life / "a.npz").unlink()
    with pytest.raises(NcaError, match=r"a\.npz is missing: put it back"):
        list(read_rollouts(KEY, data, read_manifest(KEY, data)))


def test_nothing_claims_to_reproduce_them(life: Path, data: DataFolder, resources: Resources) -> None:
    register(KEY, life / "a.npz", data)
    with pytest.raises(NcaError, match="set 'life' was imported: its rollouts have files but no recipes"):
        regenerate(RolloutId("life", 1), data, resources)
    with pytest.raises(NcaError, match="life/000009 does not exist"):
        rollout_tokens(RolloutId("life", 9), data, resources)
