"""Data that Dagster does not know of are adopted as their own files describe them, damaged ones are not."""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from nca_assets.definitions import defs
from nca_assets.ids import ShardKey
from nca_assets.in_process import import_shards, project_instance
from nca_assets.labels.write import write_labels
from nca_assets.orchestration.backfill.adopt import adopt
from nca_assets.orchestration.backfill.top_up import top_up
from nca_assets.orchestration.partitions.events import latest_versions
from nca_assets.orchestration.partitions.pending import ASSETS, assess_now
from nca_assets.project import Project
from nca_assets.shards.manifest import read_manifest
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets_tests.cli.command import nca
from nca_assets_tests.conftest import local
from nca_assets_tests.labels import movies
from nca_assets_tests.orchestration.conftest import KEYS, make_home
from nca_assets_tests.orchestration.test_history import dagsters

pytestmark = pytest.mark.slow

NEW = ShardKey("set2", 0)


def known(instance: dg.DagsterInstance) -> dict[str, dict[str, str]]:
    return {name: latest_versions(instance, dg.AssetKey(name)) for name in ASSETS}


def make_unreported(project: Project, *, labels: bool = True) -> None:
    """What a run leaves that is killed between writing its files and reporting them."""
    write_shard(NEW, load_centroids(project.data), project.data, project.resources)
    if labels:
        write_labels(NEW, project.data, project.resources)


def adopt_all(project: Project, instance: dg.DagsterInstance, **options: object) -> int:
    return adopt(assess_now(project, instance), project, instance, **options)  # pyright: ignore[reportArgumentType]


def latest(instance: dg.DagsterInstance, name: str, key: ShardKey) -> dg.AssetMaterialization:
    wanted = dg.AssetRecordsFilter(dg.AssetKey(name), asset_partitions=[str(key)])
    [record] = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization
    return record.asset_materialization


@pytest.mark.usefixtures("chain")
def test_a_new_instance_knows_the_old_ones_data(
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    np.savez(theirs / "a.npz", allow_pickle=False, movie=movies.cycle(2))
    list(import_shards(theirs, "life"))
    before = known(instance)
    make_home(tmp_path / "another", monkeypatch)
    assert nca("status") == 0
    assert "6 files on disk that Dagster does not know of: 'nca adopt' reports them" in capsys.readouterr().out
    assert nca("adopt") == 0
    assert "7 materializations adopted" in capsys.readouterr().out
    with project_instance() as other:
        assert known(other) == before
        assert dagsters(other) == set()
        assert other.has_dynamic_partition("imported_shards", "life-00000")
    assert nca("adopt") == 0
    assert "nothing to adopt: Dagster knows of all data" in capsys.readouterr().out


def test_what_a_killed_run_made_is_adopted_by_the_next_tick_and_not_made_again(
    chain: Project, instance: dg.DagsterInstance
) -> None:
    make_unreported(chain, labels=False)
    requests: Any = top_up(dg.build_schedule_context(instance=instance))
    asked = [request for request in requests if isinstance(request, dg.RunRequest)]
    assert latest_versions(instance, dg.AssetKey("rollout_shards"))[str(NEW)] == read_manifest(NEW, chain.data).digest
    for request in asked:
        if request.tags["dagster/asset_partition_range_start"] == str(NEW):
            assert list(request.asset_selection or []) == [dg.AssetKey("behavior_labels")]
    assert str(NEW) in {request.tags["dagster/asset_partition_range_start"] for request in asked}


def test_lineage_is_what_the_files_were_made_from(chain: Project, instance: dg.DagsterInstance) -> None:
    """Not what is current when they are adopted: a vocabulary that was replaced meanwhile makes them stale."""
    make_unreported(chain)
    manifest = read_manifest(NEW, chain.data)
    save_centroids(load_centroids(chain.data).flip(0), chain.data, "imported from a test")
    adopt_all(chain, instance)
    tags = latest(instance, "rollout_shards", NEW).tags or {}
    assert tags["dagster/input_data_version/centroids"] == manifest.centroids_digest
    resolver = CachingStaleStatusResolver(instance, defs.resolve_asset_graph(), LoadingContextForTest(instance))
    assert resolver.get_status(dg.AssetKey("rollout_shards"), str(NEW)).value == "STALE"


def test_labels_point_to_their_own_shard(chain: Project, instance: dg.DagsterInstance) -> None:
    make_unreported(chain)
    assert adopt_all(chain, instance) == 2
    tags = latest(instance, "behavior_labels", NEW).tags or {}
    assert tags["dagster/input_data_version/rollout_shards"] == read_manifest(NEW, chain.data).digest
    assert tags["dagster/input_event_pointer/rollout_shards"].isdigit()
    assert "written" in latest(instance, "behavior_labels", NEW).metadata


def test_what_is_in_flight_or_damaged_is_left_alone(chain: Project, instance: dg.DagsterInstance) -> None:
    make_unreported(chain)
    assert adopt_all(chain, instance, busy={str(NEW)}) == 0
    local(chain.data.tokens_file(NEW)).write_bytes(b"half")
    part = local(chain.data.labels_file(NEW))
    part.write_bytes(part.read_bytes()[:100])
    assert adopt_all(chain, instance) == 0
    assert str(NEW) not in known(instance)["rollout_shards"]


@pytest.mark.usefixtures("chain")
def test_fresh_data_need_no_adoption(instance: dg.DagsterInstance) -> None:
    assert assess_now(Project.load(), instance).unreported == []
    assert sorted(known(instance)["rollout_shards"]) == KEYS
