"""What reads more than 100 partitions becomes stale when one of them changes, which Dagster alone would miss."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.orchestration.conftest import make_home

pytestmark = pytest.mark.slow

PROGRAM = """
import json, sys
from pathlib import Path
import dagster as dg, torch
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest
from nca_assets.automation.in_process import project_instance
from nca_assets.definitions import defs
from nca_assets.project import Project
from nca_assets.vocabulary.centroids import load_centroids, read_centroids, save_centroids

data = Project.load().writable_data()
save_centroids(read_centroids(Path(sys.argv[1])), data, "imported from a test")

def run(job, **tags):
    result = defs.resolve_job_def(job).execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    assert result.success

def make(first, last):
    run("make_shard", **{"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last})

def stale():
    resolver = CachingStaleStatusResolver(instance, defs.resolve_asset_graph(), LoadingContextForTest(instance))
    keys = [dg.AssetKey(["analytics", name]) for name in ("labels", "shards", "label_parts", "frame_curves")]
    return sorted(key.path[-1] for key in keys if resolver.get_status(key).value == "STALE")

with project_instance() as instance:
    run("learn_vocabulary")
    make("set1-00000", "set3-00049")
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


@pytest.mark.slow
def test_one_of_150_partitions_makes_the_tables_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_home(tmp_path / "home", monkeypatch)
    for name, value in {"SHARDS_PER_SET": "50", "SHARD_SIZE": "1", "FRAMES": "129", "DATA": tmp_path / "data"}.items():
        monkeypatch.setenv(f"NCA_{name}", str(value))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(GOLDEN / "centroids.pt")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    unchanged, again, changed, rebuilt = json.loads(done.stdout.splitlines()[-1])
    assert unchanged == again == rebuilt == []
    assert changed == ["frame_curves", "label_parts", "labels", "shards"]
