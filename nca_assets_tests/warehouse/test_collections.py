"""Collections: a query's answer, frozen under a name, with everything that says how it came to be."""

from collections import Counter

import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.collections import freeze, read_collection
from nca_assets.warehouse.read import connect
from nca_assets.warehouse.sql_text import Sampling
from nca_assets_tests.conftest import local

ALL = "SELECT rollout_id FROM labels"


def classes(built: DataFolder) -> dict[str, str]:
    with connect(built) as connection:
        return dict(connection.execute("SELECT rollout_id, behavior FROM labels").fetchall())


def test_a_frozen_answer_holds_its_rollouts_and_where_they_are_from(built: DataFolder) -> None:
    query = "SELECT rollout_id FROM labels WHERE rollout_index < 5 ORDER BY rollout_id DESC"
    frozen = freeze("few", query, built)
    assert (frozen.version, sorted(frozen.rollouts)) == (
        1,
        ["set1/000000", "set1/000001", "set1/000002", "set1/000003", "set2/000004"],
    )
    rows = pl.read_parquet(local(built / "collections" / "few" / "v0001.parquet"))
    assert rows.columns == ["name", "version", "rollout_id", "digest"]
    assert rows["rollout_id"].is_sorted()
    says = pl.read_parquet_metadata(local(frozen.file))
    assert says["query"] == query
    assert says["rollouts"] == "5"
    with connect(built) as connection:
        [(snapshot,)] = connection.execute('SELECT version FROM "snapshot"').fetchall()
        labels = dict(connection.execute("SELECT rollout_id, digest FROM labels").fetchall())
    assert says["snapshot"] == snapshot
    assert frozen.rollouts.items() <= labels.items()
    assert read_collection("few", built) == frozen


def test_the_same_answer_makes_no_new_version_and_another_keeps_the_old(built: DataFolder) -> None:
    first = freeze("c", ALL, built)
    before = first.file.read_bytes()
    assert freeze("c", ALL, built) == first
    second = freeze("c", f"{ALL} LIMIT 3", built)
    assert second.version == 2
    assert first.file.read_bytes() == before
    assert read_collection("c", built, version=1) == first
    assert read_collection("c", built) == second


def test_a_damaged_version_is_named_and_followed_by_a_new_one(built: DataFolder) -> None:
    first = freeze("c", ALL, built)
    local(first.file).write_bytes(local(first.file).read_bytes()[::-1])
    local(built / "collections" / "c" / "v0001 (copy).parquet").touch()
    with pytest.raises(DamageError, match=r"v0001\.parquet is damaged .* collect c again with 'nca collect'"):
        read_collection("c", built)
    assert freeze("c", ALL, built).version == 2
    build_warehouse(built)
    with connect(built) as connection:
        assert connection.execute("SELECT version FROM collections").fetchall() == [(2,)]
        [found] = connection.execute("SELECT asset, partition_key, reason FROM stale_partitions").fetchall()
    assert found[:2] == ("collections", "c")
    assert "v0001.parquet is damaged" in found[2]


def test_version_10000_follows_9999(built: DataFolder) -> None:
    file = local(freeze("c", ALL, built).file)
    file.rename(file.with_name("v9999.parquet"))
    assert [freeze("c", f"{ALL} LIMIT {most}", built).version for most in (3, 2)] == [10000, 10001]


def test_the_warehouse_lists_versions_and_rollouts(built: DataFolder) -> None:
    freeze("c", ALL, built)
    freeze("c", ALL, built, Sampling(each=1))
    build_warehouse(built, only=["collections", "collection_rollouts"])
    with connect(built) as connection:
        listed = connection.execute("SELECT name, version, latest, rollouts, sampling FROM collections").fetchall()
        members = dict(connection.execute("SELECT version, count(*) FROM collection_rollouts GROUP BY 1").fetchall())
    kinds = len(set(classes(built).values()))
    assert listed == [("c", 1, False, 8, "all"), ("c", 2, True, kinds, "1 of each behavior, seed 0")]
    assert members == {1: 8, 2: kinds}


def test_balanced_and_stratified_samples(built: DataFolder) -> None:
    of = classes(built)
    balanced = freeze("b", ALL, built, Sampling(each=2))
    assert Counter(of[r] for r in balanced.rollouts) == {c: min(2, n) for c, n in Counter(of.values()).items()}
    stratified = freeze("s", ALL, built, Sampling(by="set_name", total=4))
    assert Counter(r.split("/")[0] for r in stratified.rollouts) == {"set1": 2, "set2": 2}
    assert freeze("t", ALL, built, Sampling(total=100)).rollouts.keys() == of.keys()
    again = freeze("b2", ALL, built, Sampling(each=2))
    assert again.rollouts == balanced.rollouts
    others = {
        frozenset(freeze("o", ALL, built, Sampling(by="set_name", each=1, seed=seed)).rollouts) for seed in range(6)
    }
    assert len(others) > 1


def test_sampling_is_read_as_it_is_written() -> None:
    for sampling in (Sampling(), Sampling(each=3, by="set_name", seed=7), Sampling(total=5)):
        assert Sampling.parse(str(sampling)) == sampling


@pytest.mark.parametrize(
    ("name", "query", "message"),
    [
        ("../up", ALL, "invalid collection name '../up'"),
        ("", ALL, "invalid collection name ''"),
        ("c", "SELECT behavior FROM labels", "must have a column rollout_id"),
        ("c", "SELECT rollout_id FROM nowhere", "DuckDB: Catalog Error"),
        ("c", "SELECT rollout_id FROM labels WHERE false", "selects no labeled rollout"),
        ("c", "SELECT 'set1/999999' AS rollout_id", "selects no labeled rollout"),
        ("c", "SELECT 'x'::INTEGER::VARCHAR AS rollout_id", "DuckDB: Conversion Error"),
        ("c", "DROP TABLE labels", "give one query that selects, like 'FROM behavior_summary', not DROP"),
    ],
)
def test_unfit_names_and_queries_leave_nothing(built: DataFolder, name: str, query: str, message: str) -> None:
    with pytest.raises(NcaError, match=message):
        freeze(name, query, built)
    assert not list(local(built / "collections").glob("*/*")) if (built / "collections").exists() else True


def test_a_column_to_sample_by_is_a_column(built: DataFolder) -> None:
    with pytest.raises(NcaError, match=r"can't sample by .*: use a column of labels"):
        freeze("c", ALL, built, Sampling(by='x" FROM labels; --', each=1))
    with pytest.raises(NcaError, match="DuckDB: Binder Error"):
        freeze("c", ALL, built, Sampling(by="nothing", each=1))


def test_a_missing_collection_is_reported_with_the_existing_ones(built: DataFolder) -> None:
    with pytest.raises(NcaError, match=r"there is no collection 'c' in .* \(collections: none yet\)"):
        read_collection("c", built)
    freeze("d", ALL, built)
    with pytest.raises(NcaError, match=r"there is no version 7 of collection 'd' .* \(collections: d\)"):
        read_collection("d", built, version=7)
