"""A shard is held against its recipe; whatever differs is named."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from nca_assets.automaton import engine
from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, DiskFullError, NcaError, TransientError
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.settings import Resources
from nca_assets.shards.findings import recorded_findings
from nca_assets.shards.manifest import read_manifest, rollout_digest, shard_digest, write_manifest
from nca_assets.shards.members import pack, write_members
from nca_assets.shards.read import read_rollout
from nca_assets.shards.rollouts import regenerate
from nca_assets.shards.verify import verify_shard
from nca_assets.store.seal import read_sealed, write_sealed
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets_tests.conftest import local

KEY = ShardKey("set2", 1)


def forge(data: DataFolder, shard: ShardKey = KEY, member: int = 2) -> None:
    """A shard that is whole and agrees with its manifest, but one of whose rollouts no recipe gives."""
    manifest = read_manifest(shard, data)
    movies = [read_rollout(shard, data, m.index) for m in manifest.members]
    movies[member] = movies[member][::-1]
    packed = [pack(m.index, movie) for m, movie in zip(manifest.members, movies, strict=True)]
    with data.tokens_file(shard).open("wb") as file:
        write_members(packed, file)
    members = [rollout.member for rollout in packed]
    forged = manifest.model_copy(update={"members": members, "digest": shard_digest(m.digest for m in members)})
    write_manifest(forged, shard, data)


def change_manifest(**changes: object) -> Callable[[DataFolder, torch.Tensor], None]:
    def change(data: DataFolder, _: torch.Tensor) -> None:
        file = data.manifest_file(KEY)
        content = json.loads(read_sealed(file, data.root, "")) | changes
        write_sealed(json.dumps(content).encode(), file, data.root)

    return change


def other_centroids(data: DataFolder, centroids: torch.Tensor) -> None:
    save_centroids(centroids.flip(0), data, "learned")


def test_a_good_shard_reproduces_in_part_and_as_a_whole(labelled: DataFolder, resources: Resources) -> None:
    steps: list[tuple[int, int]] = []
    assert verify_shard(KEY, labelled, resources, 3, lambda done, total: steps.append((done, total))) == 3
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert verify_shard(KEY, labelled, resources, 100) == 4


def test_a_rollout_that_no_recipe_gives_is_found_if_it_is_among_those_simulated(
    labelled: DataFolder, resources: Resources
) -> None:
    forge(labelled)
    with pytest.raises(NcaError, match=r"set2/000006 does not reproduce: .* materialize partition set2-00001 of"):
        verify_shard(KEY, labelled, resources, 100)
    with pytest.raises(NcaError, match="set2/000006 does not reproduce"):
        verify_shard(KEY, labelled, resources, 2)
    assert verify_shard(KEY, labelled, resources, 1) == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (other_centroids, r"was made with centroids [0-9a-f]{12}…, the current ones are [0-9a-f]{12}…"),
        (change_manifest(recipe_version=99), "has recipe version 99, not the current"),
        (change_manifest(digest="0" * 64), r"contradicts itself \(its digest is not that of its rollouts"),
        (change_manifest(shard=0), r"contradicts itself \(it belongs to set2-00000"),
        (change_manifest(set="set1"), r"contradicts itself \(it belongs to set1-00001"),
        (change_manifest(token_counts=[10**6] * 32), r"contradicts itself \(its token counts do not add up"),
        (change_manifest(members=[]), r"shard_00001\.json is damaged \(List should have at least 1 item"),
        (lambda data, _: data.tokens_file(KEY).unlink(), "is missing"),
        (lambda data, _: data.tokens_file(KEY).write_bytes(b"no zip"), "is damaged"),
    ],
)
def test_what_cannot_be_verified_is_named_with_the_remedy(
    labelled: DataFolder,
    resources: Resources,
    centroids: torch.Tensor,
    damage: Callable[[DataFolder, torch.Tensor], object],
    message: str,
) -> None:
    damage(labelled, centroids)
    with pytest.raises(NcaError, match=message + ".*materialize partition set2-00001"):
        verify_shard(KEY, labelled, resources, 1)


def test_token_counts_are_counted_again(labelled: DataFolder, resources: Resources) -> None:
    counts = read_manifest(KEY, labelled).token_counts
    change_manifest(token_counts=[counts[1], counts[0], *counts[2:]])(labelled, torch.empty(0))
    with pytest.raises(DamageError, match=r"shard_00001\.json does not match its shard's token counts: materialize"):
        verify_shard(KEY, labelled, resources, 1)


def test_shards_that_changed_places_are_found(labelled: DataFolder, resources: Resources) -> None:
    first = ShardKey("set1", 0)
    for file, other in (
        (labelled.tokens_file(first), labelled.tokens_file(KEY)),
        (labelled.manifest_file(first), labelled.manifest_file(KEY)),
    ):
        content = file.read_bytes()
        local(file).write_bytes(other.read_bytes())
        local(other).write_bytes(content)
    for key in (first, KEY):
        with pytest.raises(DamageError, match=rf"\.json is damaged \(it does not match its seal\): .* {key} of"):
            verify_shard(key, labelled, resources, 1)


@pytest.mark.parametrize("failure", [TransientError("cuda:0 failed"), DiskFullError("full"), NcaError("no memory")])
def test_what_is_not_the_datas_fault_is_not_noted(
    labelled: DataFolder, resources: Resources, failure: NcaError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> Iterator[str]:
        yield from ()
        raise failure

    monkeypatch.setattr(engine, "simulate_each", failing)
    with pytest.raises(type(failure), match=str(failure)):
        verify_shard(KEY, labelled, resources, 100)
    assert recorded_findings(labelled) == {}


def test_regenerating_gives_the_shards_tokens_without_reading_them(labelled: DataFolder, resources: Resources) -> None:
    stored = read_rollout(KEY, labelled, 5)
    local(labelled.tokens_file(KEY)).write_bytes(b"no zip")
    np.testing.assert_array_equal(regenerate(RolloutId("set2", 5), labelled, resources), stored)


def test_any_rollout_of_a_set_can_be_regenerated(labelled: DataFolder, resources: Resources) -> None:
    tokens = regenerate(RolloutId("set3", 2**32 - 1), labelled, resources)
    assert tokens.shape[0] == labelled.sets["set3"].frames
    assert rollout_digest(tokens) == rollout_digest(regenerate(RolloutId("set3", 2**32 - 1), labelled, resources))


LARGE_SHARD = """
import resource, sys
from pathlib import Path
from nca_assets.ids import ShardKey
from nca_assets.project import Project
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import read_centroids
project = Project.load()
write_shard(ShardKey("set1", 0), read_centroids(Path(sys.argv[1])), project.writable_data(), project.resources)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="other systems count the resident size in other units")
def test_a_shard_of_1024_rollouts_takes_under_2_gib(tmp_path: Path) -> None:
    from nca_assets_tests.conftest import GOLDEN

    environment = {"NCA_DATA": str(tmp_path), "NCA_SHARD_SIZE": "1024", "NCA_FRAMES": "500", "NCA_DEVICE": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", LARGE_SHARD, str(GOLDEN / "centroids.pt")],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    kibibytes = int(done.stdout)
    assert kibibytes < 2 * 2**20
