"""What reads more than 100 partitions becomes stale when one of them changes, which Dagster alone would miss."""

import json
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from nca_assets.definitions import defs
from nca_assets.in_process import import_shards
from nca_assets.orchestration.assets import making
from nca_assets.orchestration.assets.data_state import report_change, report_data_state
from nca_assets.orchestration.partitions.events import Reporter, latest_version
from nca_assets.workers.stages import Artifact
from nca_assets_tests import warm
from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.labels import movies
from nca_assets_tests.orchestration.conftest import KEYS, make_home
from nca_assets_tests.orchestration.test_chain import run_job

pytestmark = pytest.mark.slow

STATE = dg.AssetKey("data_state")

PROGRAM = """
import json
from pathlib import Path
import dagster as dg, torch
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest
from nca_assets.in_process import project_instance
from nca_assets.definitions import defs
from nca_assets.project import Project
from nca_assets.vocabulary.centroids import load_centroids, read_centroids, save_centroids

data = Project.load().writable_data()
save_centroids(read_centroids(Path({centroids!r})), data, "imported from a test")

def run(job, **tags):
    result = defs.resolve_job_def(job).execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    assert result.success

def make(first, last):
    run("make_shard", **{{"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}})

def stale():
    resolver = CachingStaleStatusResolver(instance, defs.resolve_asset_graph(), LoadingContextForTest(instance))
    keys = [dg.AssetKey(["analytics", name]) for name in ("labels", "shards", "label_parts", "frame_curves")]
    return sorted(key.path[-1] for key in keys if resolver.get_status(key).value == "STALE")

with project_instance() as instance:
    run("learn_vocabulary")
    make("set1-00000", "set3-00033")
    run("build_analytics")
    seen = [stale()]
    make("set2-00007", "set2-00007")
    seen.append(stale())
    save_centroids(load_centroids(data).flip(0), data, "imported from a test")
    make("set2-00007", "set2-00007")
    seen.append(stale())
    run("build_analytics")
    seen.append(stale())
print(json.dumps(seen))
"""


def state(instance: dg.DagsterInstance) -> str:
    return str(latest_version(instance, STATE))


@pytest.mark.usefixtures("chain")
def test_while_partitions_are_being_made_no_table_looks_fresh(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor after a run that was killed meanwhile, until the state is reported again."""
    before = state(instance)
    monkeypatch.setattr(making, "report_data_state", lambda _: None)  # as when the run is killed before
    assert run_job(instance, "make_shard", KEYS[0]).success
    assert state(instance).startswith("changing by run ")
    tables = CachingStaleStatusResolver(instance, defs.resolve_asset_graph(), LoadingContextForTest(instance))
    assert tables.get_status(dg.AssetKey(["analytics", "labels"])).value == "STALE"
    assert run_job(instance, "build_analytics").success
    assert state(instance) == before


@pytest.mark.usefixtures("vocabulary")
def test_a_partition_that_another_run_reports_meanwhile_is_part_of_the_state(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever run reports last: the state is compared again with what has been reported."""
    assert run_job(instance, "make_shard", KEYS[0]).success
    one = state(instance)
    reporter, report = Reporter(instance), Reporter.materialization

    def overtaken(self: Reporter, asset: dg.AssetKey, partition: str | None, artifact: Artifact) -> None:
        if asset == STATE and artifact.version == one:
            monkeypatch.undo()
            shard = Artifact("another", "recipe 2", {}, {})
            reporter.materialization(dg.AssetKey("rollout_shards"), KEYS[1], shard)
        report(self, asset, partition, artifact)

    report_change(reporter, "another run")
    monkeypatch.setattr(Reporter, "materialization", overtaken)
    report_data_state(reporter)
    assert not state(instance).startswith("changing")
    assert state(instance) != one


@pytest.mark.usefixtures("chain")
def test_imported_sets_are_part_of_the_state(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    before = state(instance)
    np.savez(tmp_path / "a.npz", allow_pickle=False, movie=movies.cycle(2))
    list(import_shards(tmp_path, "life"))
    assert state(instance) != before
    assert STATE in defs.resolve_asset_graph().get(dg.AssetKey("published_dataset")).parent_keys


@pytest.mark.long
def test_one_of_102_partitions_makes_the_tables_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_home(tmp_path / "home", monkeypatch)
    for name, value in {"SHARDS_PER_SET": "34", "SHARD_SIZE": "1", "FRAMES": "129", "DATA": tmp_path / "data"}.items():
        monkeypatch.setenv(f"NCA_{name}", str(value))
    done = warm.completed(["-c", PROGRAM.format(centroids=str(GOLDEN / "centroids.pt"))], tmp_path)
    assert done.returncode == 0, done.stderr
    unchanged, again, changed, rebuilt = json.loads(done.stdout.splitlines()[-1])
    assert unchanged == again == rebuilt == []
    assert changed == ["frame_curves", "label_parts", "labels", "shards"]
