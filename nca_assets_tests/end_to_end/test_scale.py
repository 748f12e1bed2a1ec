"""A deployment of several machines in small: PostgreSQL, an S3 server and two Ray nodes, any of which may be lost."""

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.end_to_end.conftest import clone, free_port
from nca_assets_tests.end_to_end.test_daemon import BIN, LABELS, SHARDS, Deployment, eventually
from nca_assets_tests.servers import S3, Postgres, RayCluster, stopped

pytestmark = pytest.mark.long

ROLLOUTS, FRAMES = 24, 500


class Site:
    """The servers, and a webserver and daemon that use all of them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.postgres = stack.enter_context(stopped(Postgres()))
        self.s3 = stack.enter_context(stopped(S3(folder)))
        nodes = {name: value for name, value in os.environ.items() if not name.startswith(("NCA_", "DAGSTER_"))}
        self.ray = stack.enter_context(stopped(RayCluster(folder, nodes | self.s3.environment)))
        self.ray.add_node()
        self.project = clone(
            folder / "clone", **self.s3.environment, NCA_DATA="s3://nca/data", NCA_RAY=self.ray.address,
            NCA_SHARD_CPUS="1", NCA_LABEL_CPUS="1", NCA_SHARD_SIZE=str(ROLLOUTS), NCA_FRAMES=str(FRAMES),
            NCA_SHARDS_PER_SET="16", NCA_SHARDS_PER_RUN="16", DAGSTER_POSTGRES_URL=self.postgres.url(),
        )  # fmt: skip
        self.home = self.project.folder / ".dagster"
        self.project.environment["DAGSTER_HOME"] = str(self.home)
        shutil.copy(self.project.folder / "deploy" / "dagster.yaml", self.home)

    def start(self, stack: ExitStack) -> Deployment:
        imported = self.project.nca("import", "centroids", str(GOLDEN / "centroids.pt"))
        assert imported.returncode == 0, imported.stderr
        monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
        monkeypatch.setenv("DAGSTER_HOME", str(self.home))
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", self.postgres.url())
        deployment = Deployment(self.project, stack.enter_context(dg.DagsterInstance.get()))
        stack.callback(deployment.stop)
        deployment.start_daemon()
        return deployment

    def backfill(self, *options: str) -> None:
        asked = self.project.nca("backfill", *options)
        assert asked.returncode == 0, asked.stderr


@pytest.fixture(scope="module")
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, stack: ExitStack) -> Site:
    return Site(tmp_path_factory.mktemp("site"), stack)


@pytest.fixture(scope="module")
def deployment(site: Site, stack: ExitStack) -> Deployment:
    return site.start(stack)


def nodes(deployment: Deployment) -> dict[str, str]:
    """Which Ray node made each shard."""
    records = deployment.instance.fetch_materializations(SHARDS, limit=1000).records
    made = [record.asset_materialization for record in records]
    return {str(event.partition): str(event.metadata["Ray node"].value) for event in made if event}


def test_sixteen_partitions_are_made_though_a_node_is_lost(site: Site, deployment: Deployment, tmp_path: Path) -> None:
    site.backfill("--set", "set1")
    eventually(lambda: len(set(nodes(deployment).values())) == 2 and len(nodes(deployment)) >= 4, deployment)
    before = nodes(deployment)
    assert len(before) < 14
    site.ray.kill_node(1)
    sixteen = Counter(f"set1-{number:05d}" for number in range(16))
    eventually(lambda: deployment.made(LABELS) == sixteen, deployment)
    assert deployment.made(SHARDS) == sixteen
    eventually(lambda: not deployment.unfinished_runs(), deployment)
    assert {run.status for run in deployment.instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
    site.ray.add_node()
    assert as_on_one_machine(site, tmp_path)


def as_on_one_machine(site: Site, folder: Path) -> bool:
    """Whether every object is the file that this machine alone writes."""
    data = DataFolder.create(folder / "data", Shape(shard_size=ROLLOUTS, sets=card_sets(FRAMES)))
    resources = Resources(device="cpu", threads=2)
    centroids = read_centroids(GOLDEN / "centroids.pt")
    save_centroids(centroids, data, "learned")
    bucket = replace(data, root=site.s3.folder / "nca" / "data")
    for key in (ShardKey("set1", number) for number in range(16)):
        write_shard(key, centroids, data, resources)
        write_labels(key, data, resources)
        for file in (
            DataFolder.tokens_file, DataFolder.labels_file, DataFolder.curves_file, DataFolder.curve_sums_file
        ):  # fmt: skip
            assert file(bucket, key).read_bytes() == file(data, key).read_bytes(), file(bucket, key)
    return True


def test_outages_of_database_and_storage_cost_nothing(site: Site, deployment: Deployment) -> None:
    site.backfill("--set", "set2", "--shards", "0-9")
    eventually(lambda: made_of("set2", SHARDS, deployment) >= 2, deployment)
    site.postgres.stop()
    time.sleep(20)  # longer than the library that asks it waits
    site.postgres.start()
    eventually(lambda: made_of("set2", SHARDS, deployment) >= 4, deployment)
    site.s3.stop()
    time.sleep(5)
    site.s3.start()
    eventually(lambda: made_of("set2", LABELS, deployment) == 10, deployment, seconds=300)  # a step may be retried
    ten = {f"set2-{number:05d}": 1 for number in range(10)}
    assert ten.items() <= deployment.made(SHARDS).items()
    assert ten.items() <= deployment.made(LABELS).items()
    eventually(lambda: not deployment.unfinished_runs(), deployment)
    assert {run.status for run in deployment.instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
    verified = site.project.nca("verify", "set2-00000", "set2-00009")
    assert verified.returncode == 0, verified.stderr


def made_of(rollout_set: str, asset: dg.AssetKey, deployment: Deployment) -> int:
    return sum(times for partition, times in deployment.made(asset).items() if partition.startswith(rollout_set))


def test_the_warehouse_is_published_in_the_bucket_and_asked_from_a_copy(site: Site, deployment: Deployment) -> None:
    """After the tests before, 26 shards are there."""
    built = deployment.project.run(
        str(BIN / "dagster"), "job", "launch", "-w", "workspace.yaml", "-j", "build_analytics"
    )
    assert built.returncode == 0, built.stderr
    eventually(lambda: any(name.startswith("data/warehouse/") for name in site.s3.objects), deployment)
    eventually(lambda: not deployment.unfinished_runs(), deployment)
    answer = site.project.nca("sql", "SELECT count(*) AS rollouts FROM labels", "--csv")
    assert answer.stdout.splitlines() == ["rollouts", str(26 * ROLLOUTS)], answer.stderr


@pytest.mark.parametrize("reason", ["Connection refused", "password authentication failed"])
def test_a_database_out_of_reach_is_said_in_one_line(site: Site, reason: str) -> None:
    there = site.postgres.url(password="wrong")
    url = there if "password" in reason else there.replace(str(site.postgres.port), str(free_port()))
    environment = site.project.environment | {"DAGSTER_POSTGRES_URL": url}
    before = site.s3.objects
    asked = replace(site.project, environment=environment).nca("materialize", "set1-00000")
    assert asked.returncode == 1
    line = asked.stderr.splitlines()[-1]
    assert line.startswith("nca: the database of the Dagster instance does not answer (")
    assert reason in line
    assert "Traceback" not in asked.stderr
    assert site.s3.objects == before


def test_a_cluster_out_of_reach_is_said_in_one_line() -> None:
    code = "import sys; from nca_assets.workers.ray_cluster import connected\nwith connected(sys.argv[1]): pass"
    address = f"ray://127.0.0.1:{free_port()}"
    done = subprocess.run([sys.executable, "-c", code, address], capture_output=True, text=True, check=False)
    assert f"TransientError: the Ray cluster at NCA_RAY={address} can't be reached (" in done.stderr.splitlines()[-1]
