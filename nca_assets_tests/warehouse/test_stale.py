"""stale_partitions: what is gone, damaged or outdated on disk, each with its reason in words."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import ShardKey
from nca_assets.labels.export import export_csv
from nca_assets.labels.table import read_table, write_table
from nca_assets.labels.verify import verify_labels
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources
from nca_assets.shards.imported import register
from nca_assets.shards.manifest import read_manifest
from nca_assets.shards.verify import verify_shard
from nca_assets.shards.write import write_shard
from nca_assets.store.seal import read_sealed, write_sealed
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION
from nca_assets.vocabulary.centroids import digest, load_centroids, save_centroids
from nca_assets.warehouse import sources
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.history import Event, append_history, history_files, last_events
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import local
from nca_assets_tests.labels import movies

KEY = ShardKey("set2", 1)

Stale = dict[tuple[str, str | None], str]


def stale(data: DataFolder) -> Stale:
    build_warehouse(data)
    with connect(data) as connection:
        rows = connection.execute("SELECT asset, partition_key, reason FROM stale_partitions").fetchall()
    return {(asset, partition): reason for asset, partition, reason in rows}


def event(asset: str, partition: str | None, version: str, minute: int = 0, run: str = "r1") -> Event:
    time = datetime(2026, 1, 1, 0, minute)
    return Event(minute, asset, partition, time, run, "code 1", version, {}, None, 1.0, None)


def test_nothing_is_stale_at_first(labelled: DataFolder) -> None:
    assert stale(labelled) == {}


def test_another_vocabulary_makes_every_shard_and_label_stale(labelled: DataFolder, resources: Resources) -> None:
    before = load_centroids(labelled)
    save_centroids(before.flip(0), labelled, "learned")
    found = stale(labelled)
    assert found.keys() == {(a, k) for a in ("rollout_shards", "behavior_labels") for k in ("set1-00000", "set2-00001")}
    assert set(found.values()) == {f"centroids changed: {digest(before)[:12]}… → {digest(before.flip(0))[:12]}…"}
    write_shard(KEY, load_centroids(labelled), labelled, resources)
    found = stale(labelled)
    assert ("rollout_shards", str(KEY)) not in found
    assert "; shard changed: " in found["behavior_labels", str(KEY)]
    write_labels(KEY, labelled, resources)
    assert stale(labelled).keys() == {("rollout_shards", "set1-00000"), ("behavior_labels", "set1-00000")}


def test_newer_versions_are_named(labelled: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LABEL_VERSION", LABEL_VERSION + 1)
    newer = f"label_version {LABEL_VERSION} → {LABEL_VERSION + 1}"
    assert stale(labelled) == {("behavior_labels", key): newer for key in ("set1-00000", "set2-00001")}
    monkeypatch.setattr(sources, "RECIPE_VERSION", 5)
    found = stale(labelled)
    assert found["rollout_shards", str(KEY)] == f"recipe_version {RECIPE_VERSION} → 5"
    assert found["behavior_labels", str(KEY)] == f"recipe_version {RECIPE_VERSION} → 5; {newer}"


def test_labels_with_the_columns_of_an_older_version_are_left_out_and_named(
    labelled: DataFolder, resources: Resources
) -> None:
    file = labelled.labels_file(KEY)
    table, metadata = read_table(file, labelled, "")
    write_table(table.rename({"set_name": "set", "rollout_index": "index"}), file, labelled, metadata)
    again = f"{file} lacks a column (set_name): materialize partition {KEY} of behavior_labels again"
    assert stale(labelled)["behavior_labels", str(KEY)] == again
    with connect(labelled) as connection:
        assert connection.execute("SELECT DISTINCT set_name FROM labels").fetchall() == [("set1",)]
    assert [file.name for file in export_csv(labelled)] == ["dataset_labels_set.csv"]
    with pytest.raises(DamageError, match=r"lacks a column .*set_name.*: materialize partition"):
        verify_labels(KEY, labelled)
    write_labels(KEY, labelled, resources)
    assert stale(labelled) == {}


def test_shards_and_labels_of_the_first_recipe_are_stale_with_that_reason(
    labelled: DataFolder, resources: Resources
) -> None:
    """Labels of that time have other columns too, which are not shown; nothing is made from such a shard."""
    manifest = json.loads(read_sealed(labelled.manifest_file(KEY), labelled.root, ""))
    write_sealed(json.dumps(manifest | {"recipe_version": 1}).encode(), labelled.manifest_file(KEY), labelled.root)
    file = labelled.labels_file(KEY)
    table, metadata = read_table(file, labelled, "")
    write_table(table.rename({"family": "regime"}), file, labelled, metadata | {"recipe_version": "1"})
    assert stale(labelled) == {
        ("rollout_shards", str(KEY)): f"recipe_version 1 → {RECIPE_VERSION}",
        ("behavior_labels", str(KEY)): f"recipe_version 1 → {RECIPE_VERSION}",
    }
    remake = (
        f"{KEY} has recipe version 1, not the current {RECIPE_VERSION}: materialize partition {KEY} of rollout_shards"
    )
    for use in (lambda: write_labels(KEY, labelled, resources), lambda: verify_shard(KEY, labelled, resources, most=1)):
        with pytest.raises(NcaError, match=re.escape(remake)):
            use()
    write_shard(KEY, load_centroids(labelled), labelled, resources)
    write_labels(KEY, labelled, resources)
    assert stale(labelled) == {}


def flip_a_byte(data: DataFolder) -> None:
    file = data.tokens_file(KEY)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    local(file).write_bytes(bytes(content))


def change_a_token(data: DataFolder) -> None:
    """The file is sound, and says something else."""
    file = data.tokens_file(KEY)
    with np.load(local(file), allow_pickle=False) as shard:
        members = dict(shard)
    members["rollout_000007"][5, 0, 0] ^= 1
    np.savez_compressed(local(file), allow_pickle=False, **members)


@pytest.mark.parametrize("spoil", [flip_a_byte, change_a_token])
def test_damage_that_verification_finds_stays_until_it_is_repaired(
    labelled: DataFolder, resources: Resources, spoil: Callable[[DataFolder], None]
) -> None:
    spoil(labelled)
    with pytest.raises(NcaError, match=r"shard_00001\.npz") as caught:
        verify_shard(KEY, labelled, resources, most=1)
    found = stale(labelled)
    assert found.keys() == {("rollout_shards", str(KEY))}
    assert str(caught.value) in found["rollout_shards", str(KEY)]
    write_shard(KEY, load_centroids(labelled), labelled, resources)
    assert stale(labelled) == {}


def test_only_a_whole_verification_clears_a_finding(labelled: DataFolder, resources: Resources) -> None:
    content = labelled.tokens_file(KEY).read_bytes()
    change_a_token(labelled)
    with pytest.raises(NcaError, match="differs from its digest"):
        verify_shard(KEY, labelled, resources, most=1)
    local(labelled.tokens_file(KEY)).write_bytes(bytes(content))
    assert verify_shard(KEY, labelled, resources, most=1) == 1
    assert stale(labelled)
    assert verify_shard(KEY, labelled, resources, most=4) == 4
    assert stale(labelled) == {}


def test_missing_and_resized_files_are_seen_at_once(labelled: DataFolder) -> None:
    size = labelled.tokens_file(KEY).stat().st_size
    with labelled.tokens_file(KEY).open("ab") as file:
        file.write(b"more")
    assert stale(labelled) == {("rollout_shards", str(KEY)): f"file has {size + 4} bytes, its manifest says {size}"}
    labelled.tokens_file(KEY).unlink()
    assert stale(labelled) == {("rollout_shards", str(KEY)): "file missing"}


def test_what_was_once_materialized_and_is_gone_is_missing(labelled: DataFolder) -> None:
    manifest = read_manifest(KEY, labelled)
    events = [event("rollout_shards", str(KEY), manifest.digest), event("behavior_labels", "set3-00001", "x")]
    append_history(events, labelled)
    assert stale(labelled) == {("behavior_labels", "set3-00001"): "file missing"}
    labelled.manifest_file(KEY).unlink()
    assert stale(labelled)["rollout_shards", str(KEY)] == "file missing"
    append_history([event("centroids", None, "c" * 64)], labelled)
    assert (
        stale(labelled)["centroids", None]
        == f"digest differs from the one materialized: cccccccccccc… → {digest(load_centroids(labelled))[:12]}…"
    )
    labelled.centroids_file.unlink()
    assert stale(labelled)["centroids", None] == "file missing"


def test_a_file_that_no_run_made_is_not_the_one_materialized(labelled: DataFolder) -> None:
    append_history([event("rollout_shards", str(KEY), "a" * 64)], labelled)
    [(partition, reason)] = stale(labelled).items()
    assert partition == ("rollout_shards", str(KEY))
    assert reason.startswith("digest differs from the one materialized: aaaaaaaaaaaa… → ")


def test_imported_shards_are_watched_too(labelled: DataFolder, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", allow_pickle=False, movie=movies.cycle(2))
    register(ShardKey("life", 0), tmp_path / "a.npz", labelled)
    assert stale(labelled) == {}
    (tmp_path / "a.npz").unlink()
    assert stale(labelled) == {("imported_shards", "life-00000"): "file missing"}


def numbers_of_last_events(data: DataFolder) -> dict[str, tuple[int, str]]:
    return {asset: (last.event, last.run_id) for asset, last in last_events(data).items()}


def test_history_has_each_event_once_and_says_what_changed(labelled: DataFolder) -> None:
    first = [event("rollout_shards", "set1-00000", "a"), event("rollout_shards", "set1-00000", "a", 1, "r2")]
    append_history(first, labelled)
    append_history([*first, event("rollout_shards", "set1-00000", "b", 2, "r3")], labelled)
    assert len(history_files(labelled)) == 2
    append_history(first, labelled)
    assert len(history_files(labelled)) == 2
    assert numbers_of_last_events(labelled) == {"rollout_shards": (2, "r3")}
    build_warehouse(labelled)
    with connect(labelled) as connection:
        rows = connection.execute("SELECT run_id, changed FROM materializations").fetchall()
        current = connection.execute("SELECT run_id FROM current_materializations").fetchall()
    assert rows == [("r1", True), ("r2", False), ("r3", True)]
    assert current == [("r3",)]


KILLED = """
import os, sys
from nca_assets.data_folder import DataFolder
from nca_assets.store import replace
from nca_assets.warehouse.history import append_history
from nca_assets_tests.warehouse.test_stale import event
replace.publish = lambda *_: os._exit(9)
append_history([event("x", None, "a", 0)], DataFolder.open(sys.argv[1]))
"""


def test_what_a_killed_process_left_of_history_goes_with_the_next_events(labelled: DataFolder) -> None:
    program = [sys.executable, "-c", KILLED, labelled.location]
    assert subprocess.run(program, check=False, timeout=60).returncode == 9
    assert len(list(local(labelled / "history").iterdir())) == 1
    append_history([event("x", None, "a", 0)], labelled)
    assert list(local(labelled / "history").iterdir()) == [local(file) for file in history_files(labelled)]


def test_events_of_a_damaged_file_of_history_are_copied_again(labelled: DataFolder) -> None:
    first, second = event("x", None, "a", 0), event("x", None, "b", 1)
    append_history([first], labelled)
    append_history([second], labelled)
    [damaged] = [file for file in history_files(labelled) if "b" in pl.read_parquet(local(file))["data_version"]]
    local(damaged).write_bytes(damaged.read_bytes()[:100])
    assert numbers_of_last_events(labelled) == {"x": (0, "r1")}
    append_history([first, second], labelled)
    assert numbers_of_last_events(labelled) == {"x": (1, "r1")}
    assert f"{damaged} is damaged" in stale(labelled)["analytics/materializations", None]
    with connect(labelled) as connection:
        assert connection.execute("SELECT data_version FROM materializations").fetchall() == [("a",), ("b",)]


def test_findings_of_labels_stay_until_these_are_made_again(labelled: DataFolder, resources: Resources) -> None:
    content = labelled.curves_file(KEY).read_bytes()
    local(labelled.curves_file(KEY)).write_bytes(content[:-1])
    with pytest.raises(DamageError) as caught:
        verify_labels(KEY, labelled)
    assert stale(labelled) == {("behavior_labels", str(KEY)): str(caught.value)}
    write_labels(KEY, labelled, resources)
    assert stale(labelled) == {}


def test_a_note_that_cannot_be_read_is_a_finding(labelled: DataFolder) -> None:
    local(labelled.finding_file(KEY).parent).mkdir()
    local(labelled.finding_file(KEY)).write_bytes(b"\xff\xfe wrong")
    assert stale(labelled) == {("rollout_shards", str(KEY)): "�� wrong"}
    labelled.finding_file(KEY).unlink()
    local(labelled.finding_file(KEY)).mkdir()
    assert "can't be read (Is a directory)" in stale(labelled)["rollout_shards", str(KEY)]


def test_many_files_of_history_become_one(labelled: DataFolder) -> None:
    for minute in range(59):
        append_history([event("centroids", None, "a", minute)], labelled)
    for minute in range(6):
        append_history([event("x", None, "a", minute, "r2")], labelled)
    build_warehouse(labelled)
    assert len(history_files(labelled)) == 1
    with connect(labelled) as connection:
        assert connection.execute("SELECT count(*) FROM materializations").fetchall() == [(65,)]
