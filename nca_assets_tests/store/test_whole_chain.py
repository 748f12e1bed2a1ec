"""The whole chain with its data in a bucket of a real S3 server: the same files as in a folder, and clear errors."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.errors import DamageError
from nca_assets.figures.catalog import FIGURES
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.loading.source import RolloutSource
from nca_assets.publishing.checksums import check_published
from nca_assets.publishing.publish import publish
from nca_assets.settings import Resources, load
from nca_assets.shards.findings import clear_finding, recorded_findings, recording_finding
from nca_assets.shards.write import write_shard
from nca_assets.store import copies
from nca_assets.store.store import current
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.collections import freeze, read_collection
from nca_assets.warehouse.history import append_history, merge_history
from nca_assets_tests import warm
from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.end_to_end.conftest import free_port
from nca_assets_tests.servers import S3
from nca_assets_tests.store.gateway import Gateway

KEYS = [ShardKey("set1", 0), ShardKey("set1", 1), ShardKey("set2", 1)]


@pytest.fixture(scope="module")
def in_both(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> tuple[DataFolder, DataFolder]:
    """The same shards, labelled, with a warehouse: in a folder and in the bucket."""
    assert s3
    both = []
    for place in (str(tmp_path_factory.mktemp("data")), "s3://nca/both"):
        data = DataFolder.create(place, Shape(shard_size=4, sets=card_sets(140)))
        save_centroids(torch.load(GOLDEN / "centroids.pt", weights_only=True), data, "learned")
        for key in KEYS:
            write_shard(key, load_centroids(data), data, load(Resources))
            write_labels(key, data, load(Resources))
        build_warehouse(data)
        both.append(data)
    return both[0], both[1]


def test_the_files_are_the_same(in_both: tuple[DataFolder, DataFolder], s3: S3) -> None:
    local, bucket = in_both
    assert isinstance(local.root, Path)
    files = {file.relative_to(local.root).as_posix(): file for file in local.root.rglob("*") if file.is_file()}
    there = {name.removeprefix("both/") for name in s3.objects if name.startswith("both/")}
    own = {name for name in there if name.startswith("warehouse/")}
    assert there - own == {name for name in files if not name.startswith((".", "nca.duckdb"))}
    for name in there - own:
        if not name.endswith(("shard_00000.json", "shard_00001.json", "dataset.json")):  # they hold seconds, or an id
            assert (bucket / name).read_bytes() == files[name].read_bytes(), name
    assert bucket.shards() == bucket.labelled_shards() == KEYS


def test_the_warehouses_are_the_same(in_both: tuple[DataFolder, DataFolder]) -> None:
    local, bucket = in_both
    for table in ("labels", "shards", "label_parts", "behavior_summary", "stale_partitions"):
        answers = [whole_table(f"FROM {table} ORDER BY ALL", data) for data in (local, bucket)]
        same = [answer.drop("seconds", "tokens_per_second", "file_bytes", strict=False) for answer in answers]
        assert same[0].equals(same[1]), table
    assert bucket.warehouse_file().name.endswith(".duckdb")
    before = bucket.warehouse_file()
    built = build_warehouse(bucket, only=["geometry"])
    assert set(built) == {"geometry"}
    assert bucket.warehouse_file() != before
    assert before.exists()  # whoever reads it may go on
    assert whole_table("SELECT count(*) FROM labels", bucket).item() == 12


def test_training_reads_a_bucket(in_both: tuple[DataFolder, DataFolder]) -> None:
    local, bucket = in_both
    expected = [rollout.tokens for rollout in RolloutSource.where("true", local)]
    source = RolloutSource.where("true", bucket)
    for each in (source, source.unpacked()):
        for there, rollout in zip(expected, each, strict=True):
            np.testing.assert_array_equal(there, np.asarray(rollout.tokens))


def test_pictures_fetch_no_shards(
    in_both: tuple[DataFolder, DataFolder], gate: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "CACHE", tmp_path / "cache")
    local, bucket = in_both
    [gallery] = (figure for figure in FIGURES if figure.name == "gallery")
    pages = [gallery.png(data) for data in (bucket, local)]
    assert pages[0] == pages[1]
    assert any(asked.path.endswith(".npz") for asked in gate.asked)
    assert (tmp_path / "cache").exists()
    assert not list((tmp_path / "cache").rglob("*.npz"))


def test_collections_findings_and_history_lie_in_the_bucket(in_both: tuple[DataFolder, DataFolder]) -> None:
    _, bucket = in_both
    frozen = freeze("mine", "SELECT rollout_id FROM labels", bucket)
    assert read_collection("mine", bucket).digest == frozen.digest
    finding = bucket.finding_file(KEYS[0])
    with pytest.raises(DamageError), recording_finding(finding):
        raise DamageError("a finding")
    assert recorded_findings(bucket) == {str(KEYS[0]): "a finding"}
    clear_finding(finding)
    assert not recorded_findings(bucket)
    append_history([], bucket)
    merge_history(bucket)


@pytest.mark.slow
def test_the_dataset_is_published_as_a_version(in_both: tuple[DataFolder, DataFolder]) -> None:
    _, bucket = in_both
    published = publish(bucket / "published", bucket)
    assert current(bucket / "published") == published.folder
    assert check_published(published.folder) == []
    (published.folder / "README.md").unlink()
    assert check_published(published.folder) == ["README.md is missing"]


WRONG = {
    "secret": ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "refuses these credentials (SignatureDoesNotMatch): set AWS_ACCESS"),
    "key": ({"AWS_ACCESS_KEY_ID": "WRONG"}, "refuses these credentials (InvalidAccessKeyId): set AWS_ACCESS_KEY_ID"),
    "bucket": ({"NCA_DATA": "s3://nosuch/data"}, "has no such bucket (from NCA_DATA): create it, or correct NCA_DATA"),
    "endpoint": ({}, "can't be reached or does not answer: check AWS_ENDPOINT_URL and the network, then run it again"),
}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("command", ["import centroids " + str(GOLDEN / "centroids.pt"), "sql FROM(labels)"])
def test_what_is_wrong_is_said_in_one_line(s3: S3, wrong: str, command: str, tmp_path: Path) -> None:
    changed, message = WRONG[wrong]
    if wrong == "endpoint":
        changed = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    environment = os.environ | {"NCA_DATA": "s3://nca/wrong", "DAGSTER_HOME": str(tmp_path)} | changed
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}")
    before = s3.objects
    done = warm.completed(["nca", *command.split()], tmp_path, environment)
    assert done.returncode == 1
    address = environment["AWS_ENDPOINT_URL"]
    assert done.stderr.startswith(f"nca: {address} {message}")
    assert len(done.stderr.splitlines()) == 1
    assert s3.objects == before
