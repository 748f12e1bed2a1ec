"""Shards with and without their tokens are the same shards, and nothing that no recipe gives is ever dropped."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.labels.table import read_table
from nca_assets.labels.verify import verify_labels
from nca_assets.labels.write import write_labelled_shard, write_labels
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.unpacked import unpack
from nca_assets.settings import Resources
from nca_assets.shards.findings import recorded_findings
from nca_assets.shards.imported import register
from nca_assets.shards.kinds import drop_tokens, keep_tokens
from nca_assets.shards.manifest import Manifest, read_manifest, write_manifest
from nca_assets.shards.read import read_rollout, read_rollouts
from nca_assets.shards.rollouts import rollout_tokens
from nca_assets.shards.verify import verify_shard
from nca_assets.shards.write import write_shard
from nca_assets_tests.conftest import local
from nca_assets_tests.shards.test_verify import KEY, change_manifest, forge, other_centroids


def told(manifest: Manifest) -> dict[str, object]:
    """What a manifest says, whichever kind its shard is of, however long it took."""
    return manifest.model_dump(exclude={"tokens_kept", "file_bytes", "seconds"})


def labels_digest(data: DataFolder) -> str:
    return read_table(data.labels_file(KEY), data, "")[1]["digest"]


def test_dropped_tokens_are_kept_again_as_the_same_bytes(labelled: DataFolder, resources: Resources) -> None:
    file, before = labelled.tokens_file(KEY), read_manifest(KEY, labelled)
    content = file.read_bytes()
    assert drop_tokens(KEY, labelled, resources)
    assert not file.exists()
    dropped = read_manifest(KEY, labelled)
    assert (dropped.tokens_kept, dropped.file_bytes, told(dropped)) == (False, 0, told(before))
    assert not drop_tokens(KEY, labelled, resources)
    assert keep_tokens(KEY, labelled, resources)
    assert (file.read_bytes(), read_manifest(KEY, labelled)) == (content, before)
    assert not keep_tokens(KEY, labelled, resources)


def test_a_shard_is_made_without_its_tokens(
    labelled: DataFolder, centroids: torch.Tensor, resources: Resources
) -> None:
    before = read_manifest(KEY, labelled)
    manifest = write_shard(KEY, centroids, labelled, resources, keep=False)
    assert manifest == read_manifest(KEY, labelled)
    assert told(manifest) == told(before)
    assert not labelled.tokens_file(KEY).exists()


def test_a_shard_is_simulated_and_labelled_in_one_pass(labelled: DataFolder, resources: Resources) -> None:
    before, labels = read_manifest(KEY, labelled), labels_digest(labelled)
    steps: list[tuple[int, int]] = []
    labelled.labels_file(KEY).unlink()
    manifest = write_labelled_shard(KEY, labelled, resources, lambda *step: steps.append(step))
    assert (told(manifest), labels_digest(labelled)) == (told(before), labels)
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not labelled.tokens_file(KEY).exists()
    assert write_labels(KEY, labelled, resources).digest == labels


def test_labels_without_curves_verify_and_have_the_same_digest(labelled: DataFolder, resources: Resources) -> None:
    before = labels_digest(labelled)
    part = write_labels(KEY, labelled, resources, keep_curves=False)
    assert (part.digest, labels_digest(labelled)) == (before, before)
    assert not labelled.curves_file(KEY).exists()
    assert verify_labels(KEY, labelled)
    labelled.curve_sums_file(KEY).unlink()
    with pytest.raises(NcaError, match="is missing"):
        verify_labels(KEY, labelled)


def test_every_reader_gives_the_same_tokens(labelled: DataFolder, resources: Resources) -> None:
    kept = read_rollout(KEY, labelled, 5)
    drop_tokens(KEY, labelled, resources)
    source, manifest = RolloutSource.files(labelled), read_manifest(KEY, labelled)
    at = source.ids.index(RolloutId("set2", 5))
    assert unpack(KEY, labelled).exists()
    for tokens in (
        dict(read_rollouts_by_index(labelled, manifest, resources))[5],
        read_rollout(KEY, labelled, 5),
        source[at].tokens,
        source.apart()[at].tokens,
        source.unpacked()[at].tokens,
        rollout_tokens(RolloutId("set2", 5), labelled, resources),
    ):
        np.testing.assert_array_equal(tokens, kept)
    assert verify_shard(KEY, labelled, resources, 3) == 3


def read_rollouts_by_index(data: DataFolder, manifest: Manifest, resources: Resources) -> list[tuple[int, np.ndarray]]:
    return [(member.index, tokens) for member, tokens in read_rollouts(KEY, data, manifest, resources)]


def a_forged_rollout(data: DataFolder, _: torch.Tensor) -> None:
    forge(data)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (a_forged_rollout, "set2/000006 does not reproduce: its recipe gives"),
        (other_centroids, "set2-00001 was made with centroids"),
        (change_manifest(recipe_version=1), "set2-00001 has recipe version 1, not the current"),
        (change_manifest(shard=0), "contradicts itself"),
    ],
)
def test_tokens_that_no_recipe_gives_again_are_not_dropped(
    labelled: DataFolder,
    centroids: torch.Tensor,
    resources: Resources,
    change: Callable[[DataFolder, torch.Tensor], object],
    reason: str,
) -> None:
    change(labelled, centroids)
    tokens, manifest = labelled.tokens_file(KEY).read_bytes(), labelled.manifest_file(KEY).read_bytes()
    with pytest.raises(NcaError, match=reason):
        drop_tokens(KEY, labelled, resources)
    assert labelled.tokens_file(KEY).read_bytes() == tokens
    assert labelled.manifest_file(KEY).read_bytes() == manifest


def test_imported_tokens_are_never_dropped(data: DataFolder, tmp_path: Path, resources: Resources) -> None:
    key, file = ShardKey("life", 0), tmp_path / "life.npz"
    np.savez(file, movie=np.zeros((129, 6, 7), np.uint8), allow_pickle=False)
    register(key, file, data)
    with pytest.raises(NcaError, match=r"^life-00000 was imported: its tokens follow from no recipe"):
        drop_tokens(key, data, resources)
    assert file.exists()


def test_a_kill_in_between_is_made_good_by_the_next_call(labelled: DataFolder, resources: Resources) -> None:
    """Of keeping after the file was written, and of dropping before it was removed, which look the same."""
    before, file = read_manifest(KEY, labelled), labelled.tokens_file(KEY)
    dropped = before.model_copy(update={"tokens_kept": False, "file_bytes": 0})
    write_manifest(dropped, KEY, labelled)
    assert len(read_rollouts_by_index(labelled, dropped, resources)) == 4
    assert keep_tokens(KEY, labelled, resources)
    assert read_manifest(KEY, labelled) == before
    write_manifest(dropped, KEY, labelled)
    assert not drop_tokens(KEY, labelled, resources)
    assert not file.exists()


def test_a_rotten_file_is_dropped_with_its_finding(labelled: DataFolder, resources: Resources) -> None:
    local(labelled.tokens_file(KEY)).write_bytes(b"no zip")
    with pytest.raises(NcaError, match="is damaged"):
        verify_shard(KEY, labelled, resources, 1)
    assert recorded_findings(labelled)
    assert drop_tokens(KEY, labelled, resources)
    assert not recorded_findings(labelled)
    assert verify_shard(KEY, labelled, resources, 4) == 4


@pytest.mark.parametrize("change", [keep_tokens, drop_tokens])
def test_a_shard_made_again_meanwhile_stays(
    labelled: DataFolder, resources: Resources, change: Callable[..., bool]
) -> None:
    kept = change is drop_tokens
    if not kept:
        drop_tokens(KEY, labelled, resources)
    again = read_manifest(KEY, labelled).model_copy(update={"seconds": 99.0})
    with pytest.raises(NcaError, match="set2-00001 was made again meanwhile"):
        change(KEY, labelled, resources, lambda *_: write_manifest(again, KEY, labelled))
    assert (labelled.tokens_file(KEY).exists(), read_manifest(KEY, labelled)) == (kept, again)
