"""Re-materialization: Dagster's events, its stale badges and our table of stale partitions tell one story."""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
import torch

from nca_assets import versions
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.in_process import (
    collect,
    import_shards,
    materialize_centroids,
    materialize_chain,
    project_instance,
)
from nca_assets.labels import parts, write
from nca_assets.orchestration.instance import history
from nca_assets.project import Project
from nca_assets.vocabulary.centroids import import_centroids, load_centroids, save_centroids
from nca_assets.warehouse import sources
from nca_assets.warehouse.catalog import TABLES
from nca_assets.warehouse.counts import count_rollouts
from nca_assets.warehouse.history import Event, history_files
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import local
from nca_assets_tests.labels import movies
from nca_assets_tests.orchestration.conftest import KEYS, make_home
from nca_assets_tests.orchestration.test_chain import (
    LABELS,
    SHARDS,
    data_version,
    run_job,
    statuses,
)

pytestmark = pytest.mark.slow

KEY = ShardKey("set1", 0)


def ask(project: Project, query: str) -> list[tuple]:
    with connect(project.data) as connection:
        return connection.execute(query).fetchall()


def rebuild(instance: dg.DagsterInstance) -> None:
    assert run_job(instance, "build_analytics").success


def ours(project: Project) -> dict[str, str]:
    """Our stale partitions, with their reasons."""
    rows = ask(project, "SELECT concat_ws(' ', asset, partition_key), reason FROM stale_partitions")
    return dict(rows)


def dagsters(instance: dg.DagsterInstance, definitions: dg.Definitions | None = None) -> set[str]:
    """What Dagster calls stale of the same assets."""
    found = statuses(instance, definitions) if definitions else statuses(instance)
    return {name for name, status in found.items() if status.value == "STALE" and not name.startswith("analytics")}


def test_every_materialization_is_a_row_with_its_inputs(chain: Project, instance: dg.DagsterInstance) -> None:
    rebuild(instance)
    rows = ask(
        chain,
        "SELECT partition_key, code_version, data_version, inputs, device, seconds > 0, tokens_per_second > 0, changed "
        "FROM materializations WHERE asset = 'rollout_shards' ORDER BY partition_key",
    )
    vocabulary = data_version(instance, dg.AssetKey("centroids"))
    assert [row[0] for row in rows] == KEYS
    for key, code, version, inputs, device, *rest in rows:
        assert code == f"recipe {versions.RECIPE_VERSION}"
        assert version == data_version(instance, SHARDS, key)
        assert inputs == {"centroids": vocabulary}
        assert device.startswith("cpu")
        assert rest == [True, True, True]
    [(inputs,)] = ask(
        chain,
        "SELECT inputs FROM materializations WHERE asset = 'behavior_labels' AND partition_key = 'set1-00000'",
    )
    assert inputs == {"centroids": vocabulary, "rollout_shards": data_version(instance, SHARDS, KEYS[0])}
    assert ask(chain, "SELECT count(DISTINCT asset) FROM materializations") == [(4 + len(TABLES),)]


def test_materialized_again_unchanged_nothing_changes_and_nothing_is_stale(
    chain: Project, instance: dg.DagsterInstance
) -> None:
    list(materialize_chain(KEYS))
    assert ask(
        chain,
        "SELECT asset, partition_key, list(changed ORDER BY time) FROM materializations "
        "WHERE partition_key IS NOT NULL GROUP BY ALL ORDER BY ALL",
    ) == [(asset, key, [True, False]) for asset in ("behavior_labels", "rollout_shards") for key in KEYS]
    assert ours(chain) == {}
    assert dagsters(instance) == set()


def test_a_new_vocabulary_then_one_shard_again(chain: Project, instance: dg.DagsterInstance) -> None:
    before = data_version(instance, dg.AssetKey("centroids"))[:12]
    torch.save(torch.randn(32, 16, generator=torch.Generator().manual_seed(1)), local(chain.data / "own.pt"))
    import_centroids(local(chain.data / "own.pt"), chain.data)
    materialize_centroids()
    rebuild(instance)
    everything = {f"{asset} {key}" for asset in ("rollout_shards", "behavior_labels") for key in KEYS}
    assert ours(chain).keys() == dagsters(instance) == everything
    now = data_version(instance, dg.AssetKey("centroids"))[:12]
    assert ours(chain)["rollout_shards set1-00001"] == f"centroids changed: {before}… → {now}…"

    assert run_job(instance, "make_shard", KEYS[0]).success
    rebuild(instance)
    assert (
        ours(chain).keys()
        == dagsters(instance)
        == {f"{asset} {KEYS[1]}" for asset in ("rollout_shards", "behavior_labels")}
    )


def test_a_shard_that_changed_alone_makes_its_labels_stale(chain: Project, instance: dg.DagsterInstance) -> None:
    torch.save(torch.randn(32, 16, generator=torch.Generator().manual_seed(1)), local(chain.data / "own.pt"))
    import_centroids(local(chain.data / "own.pt"), chain.data)
    materialize_centroids()
    only = dg.AssetSelection.assets("rollout_shards")
    shards_only = run_job_subset(instance, only, KEYS[0])
    assert shards_only.success
    rebuild(instance)
    assert "; shard changed: " in ours(chain)[f"behavior_labels {KEYS[0]}"]
    assert ours(chain).keys() == dagsters(instance)


def run_job_subset(instance: dg.DagsterInstance, selection: dg.AssetSelection, key: str) -> dg.ExecuteInProcessResult:
    from nca_assets.definitions import defs

    keys = selection.resolve(defs.resolve_asset_graph())
    job = defs.resolve_job_def("make_shard").get_subset(asset_selection=keys)
    return job.execute_in_process(instance=instance, partition_key=key, raise_on_error=False)


def test_a_new_label_version_makes_labels_stale_and_no_shard(
    chain: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = versions.LABEL_VERSION
    for module in (versions, write, parts, sources):
        monkeypatch.setattr(module, "LABEL_VERSION", present + 1)
    newer = newer_definitions()
    rebuild(instance)
    assert ours(chain) == {f"behavior_labels {key}": f"label_version {present} → {present + 1}" for key in KEYS}
    assert dagsters(instance, newer) == set(ours(chain))
    labels_only = newer.resolve_job_def("make_shard").get_subset(asset_selection={LABELS})
    assert labels_only.execute_in_process(instance=instance, partition_key=KEYS[0]).success
    rebuild(instance)
    assert ours(chain).keys() == dagsters(instance, newer) == {f"behavior_labels {KEYS[1]}"}


def newer_definitions() -> dg.Definitions:
    """The definitions as a code location with other versions loads them."""
    prefixes = ("nca_assets.orchestration.assets", "nca_assets.orchestration.backfill", "nca_assets.definitions")
    modules = [name for name in sys.modules if name.startswith(prefixes)]
    kept = {name: sys.modules.pop(name) for name in modules}
    try:
        return importlib.import_module("nca_assets.definitions").defs
    finally:
        sys.modules.update(kept)


def test_the_order_of_the_log_decides_what_is_current_whatever_clocks_say(
    chain: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine whose clock is two minutes behind makes a partition last."""
    as_they_are = history._events_after

    def behind(*arguments: Any) -> Iterator[Event]:
        for event in as_they_are(*arguments):
            late = event.asset == "rollout_shards" and event.event == newest
            yield replace(event, time=event.time - timedelta(minutes=2)) if late else event

    save_centroids(load_centroids(chain.data).flip(0), chain.data, "imported from a test")
    assert run_job(instance, "learn_vocabulary").success
    assert run_job(instance, "make_shard", KEYS[0]).success
    newest = instance.fetch_materializations(SHARDS, limit=1).records[0].storage_id
    monkeypatch.setattr(history, "_events_after", behind)
    rebuild(instance)
    [(version,)] = ask(
        chain,
        "SELECT data_version FROM current_materializations "
        "WHERE asset = 'rollout_shards' AND partition_key = 'set1-00000'",
    )
    assert version == data_version(instance, SHARDS, KEYS[0])


def test_only_we_look_at_files(chain: Project, instance: dg.DagsterInstance) -> None:
    """The documented difference: Dagster does not know of a deleted file."""
    chain.data.tokens_file(KEY).unlink()
    rebuild(instance)
    assert ours(chain) == {"rollout_shards set1-00000": "file missing"}
    assert dagsters(instance) == set()


def test_the_history_goes_on_with_a_new_instance_and_outlives_the_old(
    chain: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(materialize_chain(KEYS[:1]))
    files = len(history_files(chain.data))
    before = ask(chain, "SELECT count(*) FROM materializations WHERE asset = 'rollout_shards'")
    make_home(tmp_path / "another_home", monkeypatch)
    list(materialize_chain(KEYS[:1]))
    with project_instance() as instance:
        rebuild(instance)
    assert before == [(3,)]
    assert ask(
        chain, "SELECT count(*), count(DISTINCT run_id) FROM materializations WHERE asset = 'rollout_shards'"
    ) == [(4, 3)]
    assert len(history_files(chain.data)) > files


def test_an_imported_set_is_tracked_like_ours(project: Project, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    (tmp_path / "life").mkdir()
    np.savez(tmp_path / "life" / "a.npz", allow_pickle=False, movie=movies.cycle(2))
    done = [d.asset for d in import_shards(tmp_path / "life", "life")]
    assert done[:2] == ["imported_shards", "imported_labels"]
    assert ask(project, "SELECT rollout_id, behavior, period, recipe_version FROM labels") == [
        ("life/000000", "periodic", 2, None)
    ]
    assert ask(project, "SELECT partition_key, reproducible FROM shards") == [("life-00000", False)]
    assert ask(project, "SELECT origin, rollouts FROM behavior_summary") == [("life", 1)]
    assert ask(project, "SELECT asset, inputs FROM materializations WHERE asset = 'imported_labels'") == [
        ("imported_labels", {"imported_shards": data_version(instance, dg.AssetKey("imported_shards"), "life-00000")})
    ]
    list(import_shards(tmp_path / "life", "life"))
    assert ask(project, "SELECT list(changed ORDER BY time) FROM materializations WHERE asset = 'imported_shards'") == [
        ([True, False],)
    ]
    list(materialize_chain(KEYS[:1]))
    assert ask(project, "SELECT count(*) FROM labels") == [(5,)]
    assert all(shard.agree for shard in count_rollouts(project.data))
    assert ask(project, "SELECT ours FROM card_comparison WHERE statistic = 'rollouts'") == [(4,)]
    assert instance.get_dynamic_partitions("imported_shards") == ["life-00000"]


def test_what_can_not_be_imported_leaves_no_partition(
    project: Project, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    assert project
    (tmp_path / "a.npz").write_bytes(b"hello")
    with pytest.raises(NcaError, match="is not a readable"):
        list(import_shards(tmp_path, "life"))
    assert instance.get_dynamic_partitions("imported_shards") == []


def test_collections_are_partitions_that_can_be_frozen_again(project: Project, instance: dg.DagsterInstance) -> None:
    list(materialize_chain(KEYS[:1]))
    made = collect("all", {"query": "SELECT rollout_id FROM labels", "each": None})
    assert (made["version"], made["dagster/partition_row_count"]) == (1, 4)
    assert instance.get_dynamic_partitions("collections") == ["all"]
    assert collect("all", {"query": ""})["version"] == 1
    list(materialize_chain(KEYS[1:]))
    again = run_job(instance, "freeze_collection", "all")
    assert again.success
    run_job(instance, "build_collection_tables")
    assert ask(project, "SELECT version, latest, rollouts FROM collections") == [(1, False, 4), (2, True, 8)]
    with pytest.raises(NcaError, match="DuckDB: Parser Error"):
        collect("wrong", {"query": "SELEC"})
    assert instance.get_dynamic_partitions("collections") == ["all"]


def test_single_tables_can_be_materialized(chain: Project, instance: dg.DagsterInstance) -> None:
    from nca_assets.definitions import defs

    only = defs.resolve_job_def("build_analytics").get_subset(
        asset_selection={dg.AssetKey(["analytics", "geometry"]), dg.AssetKey(["analytics", "shards"])}
    )
    result = only.execute_in_process(instance=instance)
    made = [event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key]
    assert sorted(made) == ["analytics/geometry", "analytics/shards"]
    assert ask(chain, "SELECT count(*) FROM labels") == [(8,)]


def test_assets_of_other_projects_may_use_our_names_for_something_else(
    chain: Project, instance: dg.DagsterInstance
) -> None:
    metadata = {"seconds": "12 s", "tokens per second": True, "device": 3}
    instance.report_runless_asset_event(dg.AssetMaterialization("foreign", metadata=metadata))
    rebuild(instance)
    columns = "device, seconds, tokens_per_second"
    assert ask(chain, f"SELECT {columns} FROM materializations WHERE asset = 'foreign'") == [(None, None, None)]


@pytest.mark.usefixtures("chain")
def test_columns_know_where_they_are_from(instance: dg.DagsterInstance) -> None:
    record = instance.get_latest_materialization_event(dg.AssetKey(["analytics", "rollouts"]))
    assert record
    assert record.asset_materialization
    lineage = record.asset_materialization.metadata["dagster/column_lineage"].value
    assert isinstance(lineage, dg.TableColumnLineage)
    assert lineage.deps_by_column["family"] == [dg.TableColumnDep(dg.AssetKey(["analytics", "labels"]), "family")]
