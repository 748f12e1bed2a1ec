"""Manifests of every release are read."""

import json
from pathlib import Path

import numpy as np
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import ShardKey
from nca_assets.settings import Resources
from nca_assets.shards.imported import register
from nca_assets.shards.manifest import read_manifest, write_manifest
from nca_assets.shards.read import read_rollouts
from nca_assets.shards.verify import verify_shard
from nca_assets.store.seal import BLANK, write_sealed
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.read import connect

KEY, LIFE = ShardKey("set2", 1), ShardKey("life", 0)


def rows(data: DataFolder, query: str) -> list[tuple]:
    with connect(data) as connection:
        return connection.execute(query).fetchall()


def earlier_own(data: DataFolder) -> dict[str, object]:
    """The manifest of an own shard as releases before wrote it."""
    now = read_manifest(KEY, data)
    return {
        "set": "set2", "shard": 1, "frames": 140, "recipe_version": now.recipe_version,
        "centroids_digest": now.centroids_digest, "digest": now.digest, "token_counts": now.token_counts,
        "file_bytes": now.file_bytes, "device": now.device, "seconds": now.seconds,
        "members": [
            {"index": m.index, "height": m.height, "width": m.width, "digest": m.digest} for m in now.members
        ],
        "seal": BLANK,
    }  # fmt: skip


def earlier_imported(data: DataFolder) -> dict[str, object]:
    """The same of an imported one."""
    now = read_manifest(LIFE, data)
    return {
        "set": "life", "shard": 0, "source": now.source, "digest": now.digest, "token_counts": now.token_counts,
        "file_bytes": now.file_bytes, "seconds": 0.5,
        "members": [
            {
                "index": m.index, "key": m.key, "position": m.position, "frames": 129, "height": 6, "width": 7,
                "digest": m.digest,
            }
            for m in now.members
        ],
        "seal": BLANK,
    }  # fmt: skip


@pytest.fixture
def both(labelled: DataFolder, tmp_path: Path) -> DataFolder:
    """Two own shards and an imported one of three rollouts."""
    batch = np.random.default_rng(0).integers(0, 9, (2, 129, 6, 7), dtype=np.uint8)
    np.savez_compressed(tmp_path / "life.npz", batch=batch, one=batch[0, ::-1], allow_pickle=False)
    register(LIFE, tmp_path / "life.npz", labelled)
    return labelled


def test_manifests_of_earlier_releases_say_the_same(both: DataFolder, resources: Resources) -> None:
    now = {key: read_manifest(key, both) for key in (KEY, LIFE)}
    build_warehouse(both)
    shards = "SELECT * EXCLUDE (seconds, tokens_per_second) FROM shards"
    before = rows(both, shards), rows(both, "FROM token_frequency")
    for key, content in ((KEY, earlier_own(both)), (LIFE, earlier_imported(both))):
        write_sealed(json.dumps(content, indent=1).encode(), both.manifest_file(key), both.root)
        manifest = read_manifest(key, both)
        assert manifest.model_dump() | {"seconds": 0} == now[key].model_dump() | {"seconds": 0}
        assert len(list(read_rollouts(key, both, manifest))) == len(manifest.members)
        verify_shard(key, both, resources, 1)
    build_warehouse(both)
    assert (rows(both, shards), rows(both, "FROM token_frequency")) == before


def test_a_folder_of_manifests_alone_is_described_by_any_of_them(labelled: DataFolder) -> None:
    labelled.manifest_file(ShardKey("set1", 0)).unlink()
    for content in (read_manifest(KEY, labelled).model_dump(), earlier_own(labelled)):
        write_sealed(json.dumps(content).encode(), labelled.manifest_file(KEY), labelled.root)
        (labelled / "dataset.json").unlink()
        assert DataFolder.open(labelled.root).sets["set2"].frames == 140


@pytest.mark.parametrize("changes", [{"source": "/somewhere.npz"}, {"recipe_version": None}])
def test_an_own_shard_has_a_recipe_and_no_source(labelled: DataFolder, changes: dict[str, object]) -> None:
    write_manifest(read_manifest(KEY, labelled).model_copy(update=changes), KEY, labelled)
    with pytest.raises(NcaError, match=r"contradicts itself \(its tokens have no origin, or two\): materialize"):
        read_manifest(KEY, labelled)


def test_a_manifest_without_members_is_damaged(labelled: DataFolder) -> None:
    content = read_manifest(KEY, labelled).model_dump(mode="json") | {"members": []}
    write_sealed(json.dumps(content).encode(), labelled.manifest_file(KEY), labelled.root)
    with pytest.raises(
        DamageError, match=r"shard_00001\.json is damaged \(.*at least 1 item.*materialize partition set2-00001"
    ):
        read_manifest(KEY, labelled)
