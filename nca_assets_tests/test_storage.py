"""Data in a bucket of a real S3 server: the same files as in a folder, whole or not at all, and clear errors."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import numpy as np
import pytest
import torch
from upath import UPath

from nca_assets import storage, versioned
from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.errors import DamageError, NcaError, TransientError
from nca_assets.files import whole_file
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.loading.source import RolloutSource
from nca_assets.project import Project
from nca_assets.publishing.checksums import check_published
from nca_assets.publishing.publish import publish
from nca_assets.settings import Resources, load
from nca_assets.shards.findings import forget, noted, noted_findings
from nca_assets.shards.write import write_shard
from nca_assets.storage import local_copies, local_copy, names, parse_location, sizes
from nca_assets.versioned import KEPT, LATEST, present, publish_version
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.collections import freeze, read_collection
from nca_assets.warehouse.history import append_history, merge_history
from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.end_to_end.conftest import free_port
from nca_assets_tests.servers import BIN, S3, stopped

KEYS = [ShardKey("set1", 0), ShardKey("set1", 1), ShardKey("set2", 1)]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    folder = tmp_path_factory.mktemp("s3")
    with stopped(S3(folder)) as server, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(storage, "CACHE", folder / "cache" / "nca-assets")
        yield server


@pytest.fixture
def folder(s3: S3, request: pytest.FixtureRequest) -> UPath:
    """A prefix of the test's own."""
    assert s3
    found = parse_location(f"s3://nca/{request.node.name}")
    assert isinstance(found, UPath)
    return found


def write(path: UPath, content: bytes) -> None:
    with whole_file(path) as file:
        file.write(content)


def test_an_object_appears_when_it_is_whole(folder: UPath) -> None:
    file = folder / "below" / "object"
    with whole_file(file) as opened:
        opened.write(b"x" * 20_000_000)  # in several parts
        assert not file.exists()
    assert file.stat().st_size == 20_000_000
    with pytest.raises(ZeroDivisionError), whole_file(file) as opened:
        opened.write(b"half" * (1 // 0))
    assert file.read_bytes() == b"x" * 20_000_000
    with pytest.raises(ValueError, match="objects are written whole"):
        file.open("wb")


def test_paths_in_a_bucket_answer_as_local_ones_do(folder: UPath) -> None:
    for name in ("a/1.txt", "a/2.txt", "b/3.txt"):
        write(folder / name, name.encode())
    assert sorted(path.name for path in (folder / "a").glob("*.txt")) == ["1.txt", "2.txt"]
    assert sorted(names(folder / "a")) == ["1.txt", "2.txt"]
    assert sizes(folder / "a") == {"1.txt": 7, "2.txt": 7}
    assert [path.name for path in folder.glob("*/3.txt")] == ["3.txt"]
    assert list((folder / "none").glob("*")) == list(names(folder / "none")) == []
    assert sizes(folder / "none") == {}
    (folder / "a" / "1.txt").unlink()
    (folder / "a" / "1.txt").unlink(missing_ok=True)
    assert not (folder / "a" / "1.txt").exists()
    with pytest.raises(FileNotFoundError):
        (folder / "a" / "1.txt").read_bytes()


def test_a_local_copy_is_of_the_present_version_and_fetched_once(folder: UPath) -> None:
    file = folder / "object"
    write(file, b"one")
    copy = local_copy(file)
    assert copy.read_bytes() == b"one"
    identity = copy.stat().st_ino
    assert local_copy(file).stat().st_ino == identity
    write(file, b"two")
    assert local_copy(file).read_bytes() == b"two"
    with pytest.raises(FileNotFoundError):
        local_copies([file, folder / "missing"])


def test_copies_that_were_not_used_make_room(folder: UPath, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "old", b"old")
    old = local_copy(folder / "old")
    os.utime(old, (0, 0))
    monkeypatch.setattr(storage, "MOST_CACHED", 0)
    write(folder / "new", b"new")
    new = local_copy(folder / "new")
    assert not old.exists()
    assert new.exists()  # in use
    assert local_copy(folder / "old").read_bytes() == b"old"


def test_the_last_few_versions_are_kept(folder: UPath, tmp_path: Path) -> None:
    assert not present(folder).exists()
    for number in range(KEPT + 2):
        (tmp_path / "below").mkdir(exist_ok=True)
        (tmp_path / "below" / "file").write_text(str(number))
        version = publish_version(tmp_path, folder)
        assert present(folder) == version
        assert (version / "below" / "file").read_text() == str(number)
    assert len({name.split("/")[0] for name in names(folder)}) == KEPT + 1  # and "latest"


class Behind(datetime):
    """The clock of a machine that is two minutes behind."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Behind":
        return super().now(tz) - timedelta(minutes=2)


def publish_text(text: str, folder: UPath, tmp_path: Path) -> UPath:
    (tmp_path / "published.txt").write_text(text)
    return publish_version(tmp_path / "published.txt", folder, ".txt")


def test_versions_of_a_publisher_whose_clock_is_behind_are_kept_like_any_others(
    folder: UPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = [publish_text(str(number), folder, tmp_path) for number in range(KEPT)]
    with monkeypatch.context() as behind:
        behind.setattr(versioned, "datetime", Behind)
        published += [publish_text(f"late {number}", folder, tmp_path) for number in range(2)]
    published.append(publish_text("last", folder, tmp_path))
    assert [version.exists() for version in published] == [False] * KEPT + [True] * KEPT
    assert present(folder) == published[-1]
    assert [version.read_text() for version in published[-KEPT:]] == ["late 0", "late 1", "last"]


def test_the_present_version_is_never_removed_whatever_its_name(folder: UPath) -> None:
    oldest = folder / "19700101T000000.000000-oldest.txt"
    write(oldest, b"present")
    for year in range(2000, 2000 + KEPT):
        write(folder / f"{year}0101T000000.000000-newer.txt", b"newer")
    write(folder / LATEST, oldest.name.encode())
    versioned._remove_old(folder)
    assert present(folder).read_text() == "present"


def test_a_version_that_was_overtaken_by_many_while_it_was_uploaded_is_not_made_the_present_one(
    folder: UPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[UPath] = []

    def overtaken(path: UPath) -> object:
        monkeypatch.undo()
        (tmp_path / "others").mkdir()
        others.extend(publish_text(str(number), folder, tmp_path / "others") for number in range(KEPT))
        return storage.bucket_of(path)

    monkeypatch.setattr(versioned, "bucket_of", overtaken)
    with pytest.raises(TransientError, match=r"3 newer versions of .* were published meanwhile: publish again"):
        publish_text("slow", folder, tmp_path)
    assert present(folder) == others[-1]
    assert publish_text("again", folder, tmp_path) == present(folder)
    assert len(versioned._versions(folder)) == KEPT


@pytest.mark.parametrize("text", ["gs://bucket/prefix", "s3://", "s3:///"])
def test_another_place_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCA_DATA", text)
    with pytest.raises(NcaError, match=f"NCA_DATA={text}: .*write a folder, or s3://bucket/prefix"):
        Project.load()


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


def test_a_forked_process_is_refused_and_told_what_to_do(folder: UPath) -> None:
    write(folder / "object", b"content")
    forking = multiprocessing.get_context("fork")
    answers = forking.Queue()

    def read() -> None:
        try:
            answers.put((folder / "object").read_bytes())
        except NcaError as error:
            answers.put(str(error))

    process = forking.Process(target=read)
    process.start()
    assert "start workers with 'spawn'" in answers.get(timeout=20)
    process.join()


def test_collections_findings_and_history_lie_in_the_bucket(in_both: tuple[DataFolder, DataFolder]) -> None:
    _, bucket = in_both
    frozen = freeze("mine", "SELECT rollout_id FROM labels", bucket)
    assert read_collection("mine", bucket).digest == frozen.digest
    finding = bucket.finding_file(KEYS[0])
    with pytest.raises(DamageError), noted(finding):
        raise DamageError("a finding")
    assert noted_findings(bucket) == {str(KEYS[0]): "a finding"}
    forget(finding)
    assert not noted_findings(bucket)
    append_history([], bucket)
    merge_history(bucket)


@pytest.mark.slow
def test_the_dataset_is_published_as_a_version(in_both: tuple[DataFolder, DataFolder]) -> None:
    _, bucket = in_both
    published = publish(bucket / "published", bucket)
    assert present(bucket / "published") == published.folder
    assert check_published(published.folder) == []
    (published.folder / "README.md").unlink()
    assert check_published(published.folder) == ["README.md is missing"]


WRONG = {
    "secret": ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "refuses these credentials (SignatureDoesNotMatch): set AWS_ACCESS"),
    "key": ({"AWS_ACCESS_KEY_ID": "WRONG"}, "refuses these credentials (InvalidAccessKeyId): set AWS_ACCESS_KEY_ID"),
    "bucket": ({"NCA_DATA": "s3://nosuch/data"}, "has no such bucket as NCA_DATA names: make it, or correct NCA_DATA"),
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
    done = subprocess.run(
        [BIN / "nca", *command.split()], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    address = environment["AWS_ENDPOINT_URL"]
    assert done.stderr.startswith(f"nca: {address} {message}")
    assert len(done.stderr.splitlines()) == 1
    assert s3.objects == before


def test_local_data_need_nothing_of_it() -> None:
    code = "import sys, nca_assets.cli.main, nca_assets.warehouse.read; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"obstore", "fsspec", "upath"} & set(done.stdout.split())
