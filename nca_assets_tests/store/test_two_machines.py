"""Two machines, each with a cache of its own, build and publish at once from one bucket: nothing is lost."""

from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.errors import OvertakenError
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.publishing import publish as publishing
from nca_assets.settings import Resources, load
from nca_assets.shards.write import write_shard
from nca_assets.store import copies, seal
from nca_assets.store.location import BucketPath
from nca_assets.store.store import current, local_copy, names_below
from nca_assets.vocabulary.centroids import load_centroids
from nca_assets.warehouse import build, collections
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.build import MAX_BUILDS, build_warehouse
from nca_assets.warehouse.collections import freeze, read_collection
from nca_assets_tests.conftest import fill
from nca_assets_tests.servers import S3
from nca_assets_tests.store.gateway import Gateway


@pytest.fixture
def data(s3: S3) -> DataFolder:
    assert s3
    root = BucketPath("nca", PurePosixPath("/", uuid4().hex))
    data = DataFolder.create(root, Shape(shard_size=1, sets=card_sets(140)))
    fill(data, [ShardKey("set1", 0)])
    return data


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], Any]:
    """Does something as on another machine."""

    def do(work: Callable[[], Any]) -> Any:
        with monkeypatch.context() as there:
            there.setattr(copies, "CACHE", tmp_path / "elsewhere")
            return work()

    return do


def make(key: ShardKey, data: DataFolder) -> None:
    write_shard(key, load_centroids(data), data, load(Resources))
    write_labels(key, data, load(Resources))


def once_before(function: Callable[..., Any], interruption: Callable[[], Any], times: int = 1) -> Callable[..., Any]:
    """``function`` whose first calls are preceded by an ``interruption``."""
    left = times

    def interrupted(*arguments: Any) -> Any:
        nonlocal left
        if left > 0:
            left -= 1
            interruption()
        return function(*arguments)

    return interrupted


@pytest.mark.parametrize("only", [None, ["geometry"]], ids=["all tables", "some tables"])
@pytest.mark.parametrize("server", ["heeds conditions", "ignores them"])
def test_a_build_from_fewer_parts_does_not_replace_one_from_more(
    server: str,
    only: list[str] | None,
    data: DataFolder,
    elsewhere: Callable[[Callable[[], Any]], Any],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if server == "heeds conditions":
        request.getfixturevalue("gate")
    build_warehouse(data)

    def other_machine() -> None:
        make(ShardKey("set1", 1), data)
        elsewhere(lambda: build_warehouse(data))
        assert whole_table("SELECT count(*) FROM labels", data).item() == 2

    monkeypatch.setattr(build, "publish_version", once_before(build.publish_version, other_machine))
    assert build_warehouse(data, only)
    assert whole_table("SELECT count(*) FROM labels", data).item() == 2
    versions = {name for name in names_below(data / "warehouse") if name != "latest"}
    assert len(versions) == 3  # of the first build, of the other machine's, of the repeated one


def test_a_build_that_is_always_overtaken_gives_up_for_a_while(
    data: DataFolder, elsewhere: Callable[[Callable[[], Any]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = build.publish_version

    def other_machine() -> None:
        with monkeypatch.context() as uninterrupted:
            uninterrupted.setattr(build, "publish_version", publish)
            elsewhere(lambda: build_warehouse(data))

    monkeypatch.setattr(build, "publish_version", once_before(publish, other_machine, times=MAX_BUILDS))
    with pytest.raises(OvertakenError, match="was published meanwhile: publish again"):
        build_warehouse(data)
    assert data.warehouse_file().exists()


def test_a_build_whose_part_is_removed_meanwhile_begins_anew(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """As history files are when another machine merges them."""
    make(ShardKey("set1", 1), data)
    removed = data.labels_file(ShardKey("set1", 1))
    monkeypatch.setattr(seal, "local_copies", once_before(seal.local_copies, removed.unlink))
    build_warehouse(data)
    assert whole_table("SELECT count(*) FROM labels", data).item() == 1


@pytest.mark.usefixtures("gate")
def test_a_collection_frozen_on_two_machines_has_two_versions(
    data: DataFolder, elsewhere: Callable[[Callable[[], Any]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(ShardKey("set1", 1), data)
    build_warehouse(data)
    few, all_of_them = "SELECT rollout_id FROM labels LIMIT 1", "SELECT rollout_id FROM labels"

    versions_of, other_queries = collections.versions_of, [few]

    def interrupted(*arguments: Any) -> Any:
        found = versions_of(*arguments)
        if other_queries:
            elsewhere(partial(freeze, "c", other_queries.pop(), data))
        return found

    monkeypatch.setattr(collections, "versions_of", interrupted)
    assert freeze("c", all_of_them, data).version == 2
    assert [len(read_collection("c", data, version).rollouts) for version in (1, 2)] == [1, 2]


@pytest.mark.slow
def test_a_published_folder_does_not_replace_a_later_one(
    data: DataFolder,
    gate: Gateway,
    elsewhere: Callable[[Callable[[], Any]], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert gate
    build_warehouse(data)
    folder = data / "published"
    write = publishing._write_tables

    def other_machine() -> None:
        make(ShardKey("set1", 1), data)
        build_warehouse(data)
        elsewhere(lambda: publishing.publish(folder, data))

    def interrupted(*arguments: Any) -> Any:
        monkeypatch.setattr(publishing, "_write_tables", write)
        written = write(*arguments)
        monkeypatch.setattr(publishing, "_write_shards", once_before(publishing._write_shards, other_machine))
        return written

    monkeypatch.setattr(publishing, "_write_tables", interrupted)
    with pytest.raises(OvertakenError, match="published meanwhile: publish again"):
        publishing.publish(folder, data)
    there = set(names_below(current(folder)))
    assert {"tokens/set1-00000.parquet", "tokens/set1-00001.parquet"} <= there


def test_what_is_being_built_is_not_removed_to_make_room(
    data: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However old its files are by the time it is done."""
    monkeypatch.setattr(copies, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("NCA_CACHE_GB", "0")

    def fetched_after_hours() -> None:
        with monkeypatch.context() as hours_later:
            hours_later.setattr(copies, "IN_USE", -1.0)
            local_copy(data.tokens_file(ShardKey("set1", 0)))

    monkeypatch.setattr(build, "publish_version", once_before(build.publish_version, fetched_after_hours))
    build_warehouse(data)
    assert whole_table("SELECT count(*) FROM labels", data).item() == 1
