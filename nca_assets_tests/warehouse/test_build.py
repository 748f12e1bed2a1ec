"""The warehouse: commented tables from parts and manifests, published whole, never locked, killed at any point."""

import signal
import subprocess
import sys

import duckdb
import numpy as np
import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.labels.table import read_table, write_table
from nca_assets.shards.manifest import read_manifest
from nca_assets.versions import LABEL_VERSION
from nca_assets.vocabulary.centroids import digest, load_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.catalog import TABLES, Table
from nca_assets.warehouse.counts import count_rollouts
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import local


def rows(data: DataFolder, query: str) -> list[tuple]:
    with connect(data) as connection:
        return connection.execute(query).fetchall()


def parts(data: DataFolder) -> pl.DataFrame:
    files = [data.labels_file(ShardKey(*key)) for key in [("set1", 0), ("set2", 1)]]
    return pl.concat([pl.read_parquet(local(file), hive_partitioning=False) for file in files])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_each_table_has_the_catalogs_columns_types_and_comments(built: DataFolder, table: Table) -> None:
    query = f"SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = '{table.name}'"
    assert rows(built, query) == [(column.name, column.type, column.description) for column in table.columns]
    catalog = "duckdb_views()" if table.kind == "VIEW" else "duckdb_tables()"
    named = f"{table.kind.lower()}_name = '{table.name}'"
    assert rows(built, f"SELECT comment FROM {catalog} WHERE {named}") == [(table.description,)]


def test_labels_are_there_under_their_old_names_too(built: DataFolder) -> None:
    old = parts(built).rename({"set_name": "set", "rollout_index": "index"})
    assert rows(built, 'FROM labels_old_names ORDER BY "set", "index"') == old.rows()


def test_there_are_no_other_tables(built: DataFolder) -> None:
    assert {name for (name,) in rows(built, "SELECT table_name FROM duckdb_columns() WHERE NOT internal")} == {
        table.name for table in TABLES
    }


def test_labels_are_the_parts(built: DataFolder) -> None:
    assert rows(built, "FROM labels ORDER BY set_name, rollout_index") == parts(built).rows()
    assert rows(built, "SELECT count(*), count(DISTINCT digest) FROM rollouts") == [(8, 8)]


def test_shards_and_token_frequency_are_the_manifests(built: DataFolder) -> None:
    manifest = read_manifest(ShardKey("set2", 1), built)
    assert rows(
        built, "SELECT rollouts, tokens, file_bytes, digest FROM shards WHERE partition_key = 'set2-00001'"
    ) == [(4, manifest.tokens, manifest.file_bytes, manifest.digest)]
    counts = rows(built, "SELECT \"count\" FROM token_frequency WHERE set_name = 'set2' ORDER BY token")
    assert [count for (count,) in counts] == manifest.token_counts
    assert rows(built, "SELECT set_name, round(sum(share), 12) FROM token_frequency GROUP BY ALL ORDER BY ALL") == [
        ("set1", 1.0),
        ("set2", 1.0),
    ]


def test_the_card_comparison_is_computed_from_the_labels(built: DataFolder) -> None:
    labels = parts(built)
    ours = dict(rows(built, "SELECT statistic, ours FROM card_comparison"))
    assert ours["rollouts"] == 8
    assert ours["frames per rollout"] == 140
    cells = labels["height"].to_numpy().astype(int) * labels["width"].to_numpy()
    assert ours["mean cells per frame"] == pytest.approx(cells.mean(), abs=5e-4)
    assert ours["median cells per frame"] == np.median(cells)
    assert ours["mean tokens per rollout"] == pytest.approx((cells * 140).mean(), abs=5e-4)
    assert ours["most tokens per rollout"] == (cells * 140).max()
    verdicts = rows(built, "SELECT statistic, target, within_target FROM card_comparison")
    assert ("frames per rollout", "500", False) in verdicts
    assert ("rollouts", None, None) in verdicts
    assert ("with a period", "30 or more", ours["with a period"] >= 30) in verdicts


def test_shares_beside_the_cards_sentences_are_those_of_the_labels(built: DataFolder) -> None:
    labels, ours = parts(built), dict(rows(built, "SELECT statistic, ours FROM card_comparison"))
    shares = {
        "completely static rollouts": pl.col("behavior") == "static",
        "chaotic or turbulent": pl.col("damage") >= 0.5 * pl.col("damage_independent"),
        "with a period": pl.col("period").is_not_null(),
        "period 2 of all periods": pl.col("period") == 2,
        "waves and domains": (pl.col("domains") >= 0.1).filter(pl.col("ground_share") < 0.8),
        "with a background": pl.col("ground_share") >= 0.5,
        "nearly empty": (pl.col("ground_share") > 0.97) & (pl.col("ground_still") > 0.9),
        "objects on a background": pl.col("behavior").is_in(["gliding", "breathing"]),
        "moving patterns": pl.col("behavior").is_in(["gliding", "translating"]),
        "match of t0 and t16": pl.col("similarity_0_16"),
        "cells changed, t48 to t112": pl.col("change_48_112"),
        "changed beyond renaming": pl.col("change_renamed_48_112"),
    }
    means = labels.select((100 * share.mean()).alias(name) for name, share in shares.items()).row(0, named=True)
    assert {name: ours[name] for name in shares} == pytest.approx(means, abs=5e-4)
    by_class = labels["behavior"].value_counts()["count"]
    assert ours["largest class"] == pytest.approx(100 * by_class.to_numpy().max() / len(labels), abs=5e-4)
    assert ours["classes of 2 % or more"] == len(by_class)


def test_the_behavior_summary_counts_every_rollout(built: DataFolder) -> None:
    assert rows(built, "SELECT sum(rollouts), round(sum(percent), 9) FROM behavior_summary") == [(8, 100)]


def test_building_again_gives_the_same_digests_and_leaves_one_file(labelled: DataFolder) -> None:
    assert build_warehouse(labelled) == build_warehouse(labelled)
    files = sorted(file.name for file in local(labelled.root).glob("*nca.duckdb*"))
    assert [file for file in files if not file.endswith(".lock")] == ["nca.duckdb"]


def test_a_reader_keeps_its_snapshot_and_a_new_one_sees_the_new_file(built: DataFolder) -> None:
    with connect(built) as old:
        built.labels_file(ShardKey("set2", 1)).unlink()
        build_warehouse(built)
        with connect(built) as new:
            assert new.execute("SELECT count(*) FROM labels").fetchall() == [(4,)]
        assert old.execute("SELECT count(*) FROM labels").fetchall() == [(8,)]
    assert rows(built, "SELECT count(*) FROM labels") == [(4,)]


def test_no_query_can_write_or_reach_other_files(built: DataFolder) -> None:
    local(built / "secret.csv").write_text("secret\n1\n")
    for query, error in [
        ("DELETE FROM labels", "read-only"),
        (f"SELECT * FROM '{built}/secret.csv'", "disabled by configuration"),
        (f"ATTACH '{built}/other.duckdb'", "disabled by configuration"),
        (f"COPY labels TO '{built}/out.csv'", "disabled by configuration"),
        ("SET enable_external_access = true", "Cannot change|locked"),
    ]:
        with connect(built) as connection, pytest.raises(duckdb.Error, match=error):
            connection.execute(query)


def test_missing_inputs_and_a_missing_warehouse_are_reported(data: DataFolder) -> None:
    with pytest.raises(NcaError, match=r"no labeled shards in .*: materialize rollout_shards and behavior_labels"):
        build_warehouse(data)
    with pytest.raises(NcaError, match=r"nca\.duckdb is missing: materialize the 'analytics' assets"):
        connect(data)


def test_a_damaged_part_is_left_out_and_stale(built: DataFolder) -> None:
    file = built.labels_file(ShardKey("set2", 1))
    local(file).write_bytes(b"PAR1 no more")
    build_warehouse(built)
    assert rows(built, "SELECT DISTINCT shard FROM labels") == [(0,)]
    reason = f"{file} is damaged (it has no seal): materialize partition set2-00001 of behavior_labels again"
    assert rows(built, "SELECT asset, partition_key, reason FROM stale_partitions") == [
        ("behavior_labels", "set2-00001", reason)
    ]
    assert all(shard.agree for shard in count_rollouts(built))


def test_what_duckdb_refuses_leaves_the_old_warehouse(built: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "sql", "SELECT 1 FROM nowhere")
    with pytest.raises(NcaError, match=r"can't build .*nca\.duckdb: Catalog Error: .*nowhere"):
        build_warehouse(built)
    assert rows(built, "SELECT count(*) FROM labels") == [(8,)]
    assert not list(local(built.root).glob(".nca.duckdb.*.part*"))


def test_counts_are_compared_in_all_three_places(built: DataFolder) -> None:
    assert all(shard.agree for shard in count_rollouts(built))
    key = ShardKey("set2", 1)
    built.labels_file(key).unlink()
    wrong = [shard for shard in count_rollouts(built) if not shard.agree]
    assert [str(shard) for shard in wrong] == [
        "set2-00001: 4 rollouts in the manifest, 0 in the labels, 4 in the warehouse"
    ]


def test_what_the_next_build_will_hold_is_no_difference(built: DataFolder) -> None:
    key, kept = ShardKey("set2", 1), local(built / "kept.parquet")
    local(built.labels_file(key)).rename(kept)
    build_warehouse(built)
    [waiting] = [shard for shard in count_rollouts(built) if shard.unlabelled]
    assert waiting.agree
    kept.rename(local(built.labels_file(key)))
    [labelled] = [shard for shard in count_rollouts(built) if shard.labelled_since]
    assert labelled.agree
    assert str(labelled) == "set2-00001: 4 rollouts in the manifest, 4 in the labels, 0 in the warehouse"
    build_warehouse(built)
    assert not any(shard.labelled_since or shard.unlabelled for shard in count_rollouts(built))


def test_a_part_that_the_build_should_have_seen_is_a_difference(labelled: DataFolder) -> None:
    build_warehouse(labelled)
    with duckdb.connect(local(labelled / "nca.duckdb")) as connection:
        connection.execute("DELETE FROM labels WHERE shard = 1")
    wrong = [shard for shard in count_rollouts(labelled) if not shard.agree]
    assert [str(shard) for shard in wrong] == [
        "set2-00001: 4 rollouts in the manifest, 4 in the labels, 0 in the warehouse"
    ]


KILLED = """
import time
import nca_assets.warehouse.build as build
from nca_assets.data_folder import DataFolder
{stop}
build.build_warehouse(DataFolder.open({data!r}))
"""

STOPS = {
    "in the middle of the build": """
def stop(connection, table, original=build._build_table):
    if table.name == "token_frequency":
        print("stopped", flush=True)
        time.sleep(60)
    return original(connection, table)
build._build_table = stop
""",
    "just before the rename": """
def stop(*_):
    print("stopped", flush=True)
    time.sleep(60)
build.publish_version = stop
""",
}


@pytest.mark.parametrize("where", STOPS)
def test_a_build_killed(built: DataFolder, where: str) -> None:
    """The old warehouse still opens, nothing partial has the final name, and the next build completes and cleans up."""
    table, lineage = read_table(built.labels_file(ShardKey("set2", 1)), built, "")
    write_table(table, built.labels_file(ShardKey("set3", 1)), built, lineage)
    inode = local(built.warehouse_file()).stat().st_ino
    code = KILLED.format(stop=STOPS[where], data=str(built))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as builder:
        assert builder.stdout
        assert builder.stdout.readline() == "stopped\n"
        builder.send_signal(signal.SIGKILL)
    [left] = local(built.root).glob(".nca.duckdb.*.part")
    left.with_name(f"{left.name}.tmp").mkdir()  # where a large build spills to
    assert local(built.warehouse_file()).stat().st_ino == inode
    assert rows(built, "SELECT count(*) FROM labels") == [(8,)]
    build_warehouse(built)
    assert rows(built, "SELECT count(*) FROM labels") == [(12,)]
    assert not list(local(built.root).glob(".nca.duckdb.*.part*"))


def test_older_and_newer_duckdbs_read_the_file(built: DataFolder) -> None:
    """Byte 12 of the header is the version of the storage format: 65 is that of DuckDB 1.2."""
    assert built.warehouse_file().read_bytes()[12] == 65


def test_single_tables_are_rebuilt_and_the_others_taken_over(labelled: DataFolder) -> None:
    assert set(build_warehouse(labelled, only=["frame_curves"])) == {"frame_curves"}
    assert rows(labelled, "SELECT count(*) FROM labels") == [(8,)]  # the first time, all are built
    whole = build_warehouse(labelled)
    labelled.labels_file(ShardKey("set2", 1)).unlink()
    assert build_warehouse(labelled, only=["shards", "behavior_summary"]) == {
        name: whole[name] for name in ("shards", "behavior_summary")
    }
    assert rows(labelled, "SELECT count(*) FROM labels") == [(8,)]
    assert build_warehouse(labelled, only=["label_parts", "labels"])["labels"].rows == 4
    assert rows(labelled, "SELECT sum(rollouts) FROM behavior_summary") == [(4,)]
    assert not list(local(labelled.root).glob(".nca.duckdb.*.part*"))


def test_each_table_has_a_digest_that_follows_its_content(labelled: DataFolder) -> None:
    before = build_warehouse(labelled)
    labelled.labels_file(ShardKey("set2", 1)).unlink()
    after = build_warehouse(labelled)
    changed = {name for name in before if before[name].digest != after[name].digest}
    of_labels = {
        "labels",
        "labels_old_names",
        "rollouts",
        "label_parts",
        "behavior_summary",
        "phase_space",
        "geometry",
        "lag_similarity",
        "splits",
    }
    assert changed == of_labels | {"frame_curves", "card_comparison", "snapshot"}


def test_the_snapshot_says_what_it_was_built_from(built: DataFolder) -> None:
    query = "SELECT regexp_full_match(version, '[0-9a-f]{8,}'), label_version, centroids_digest FROM snapshot"
    assert rows(built, query) == [(True, LABEL_VERSION, digest(load_centroids(built)))]
    assert rows(built, "SELECT count(*) FROM (FROM frame_curves WHERE rollouts = 0 OR entropy IS NULL)") == [(0,)]


def test_frame_curves_are_the_means_of_the_curves(built: DataFolder) -> None:
    labels = parts(built).select("rollout_id", "behavior", "set_name")
    files = [built.curves_file(ShardKey(*key)) for key in [("set1", 0), ("set2", 1)]]
    curves = pl.concat([pl.read_parquet(local(file), hive_partitioning=False) for file in files])
    long = (
        curves.drop("set_name")
        .join(labels, on="rollout_id")
        .with_columns(frame=pl.int_ranges(pl.col("changed").list.len()))
        .explode("frame", "changed", "differing", "entropy")
    )
    means = long.group_by("set_name", "behavior", "frame").agg(
        pl.len(), (pl.col("entropy") / 4096).mean(), (pl.col("changed") / pl.col("cells")).mean().alias("novelty"),
        (pl.col("differing") / pl.col("cells")).mean().alias("difference"),
    )  # fmt: skip
    found = rows(built, "SELECT set_name, behavior, frame, rollouts, entropy, novelty, difference FROM frame_curves")
    expected = means.sort("set_name", "behavior", "frame").rows()
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one[:4] == other[:4]
        assert one[4:] == pytest.approx(other[4:], abs=1e-8)


OPEN_FOR_WRITING = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
connection.execute("SET checkpoint_threshold = '1 GB'")
connection.execute("CREATE TABLE mine AS SELECT 1 AS x")
connection.execute("DELETE FROM labels")
print("open", flush=True)
time.sleep(60)
"""


def test_a_person_who_opened_it_for_writing_disturbs_no_one(built: DataFolder) -> None:
    """Not the readers meanwhile, not the next build, and not what it publishes."""
    file = str(built.warehouse_file())
    with subprocess.Popen([sys.executable, "-c", OPEN_FOR_WRITING, file], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "open\n"
        log = built / "nca.duckdb.wal"
        assert log.exists()
        assert rows(built, "SELECT count(*) FROM labels") == [(8,)]
        build_warehouse(built)
        assert not log.exists()
        with duckdb.connect(file, read_only=True) as plain:
            assert plain.execute("SELECT count(*) FROM labels").fetchall() == [(8,)]
        writer.kill()
    assert rows(built, "SELECT count(*) FROM labels") == [(8,)]
    with pytest.raises(duckdb.CatalogException):
        rows(built, "FROM mine")


def test_what_a_killed_writer_left_beside_is_not_read(built: DataFolder) -> None:
    file = str(built.warehouse_file())
    with subprocess.Popen([sys.executable, "-c", OPEN_FOR_WRITING, file], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "open\n"
        writer.kill()
    assert (built / "nca.duckdb.wal").exists()
    assert rows(built, "SELECT count(*) FROM labels") == [(8,)]


def test_a_damaged_warehouse_is_reported(built: DataFolder) -> None:
    local(built.warehouse_file()).write_bytes(b"no database at all" * 1000)
    with pytest.raises(NcaError, match=r"can't open .*nca\.duckdb: "):
        connect(built)
