"""Workers of a Ray cluster, with GPUs that are claimed only: each process keeps the device that Ray gave it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import ray

from nca_assets.errors import NcaError, TransientError
from nca_assets.project import Project
from nca_assets.workers import on_ray as workers
from nca_assets.workers.ray_cluster import code_version, require_room
from nca_assets.workers.stages import SHARDS, Made, Outcome
from nca_assets_tests.conftest import PROJECT
from nca_assets_tests.servers import RayCluster, stopped
from nca_assets_tests.workers import fakes
from nca_assets_tests.workers.fakes import Work, facts, jobs, require_busy_devices, require_own_devices, unseen

GPUS = 4

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NCA_")}
    folder = tmp_path_factory.mktemp("ray")
    with stopped(RayCluster(folder, environment | {"PYTHONPATH": str(PROJECT)}, cpus=GPUS, gpus=GPUS)) as started:
        yield started


@pytest.fixture
def address(cluster: RayCluster) -> str:
    return cluster.head


@pytest.fixture
def with_gpus(project: Project, address: str) -> Project:
    """Two processes at a time, each with two GPUs."""
    return fakes.on_ray(project, address, shard_gpus=2)


@pytest.fixture
def without(project: Project, address: str) -> Project:
    return fakes.on_ray(project, address, shard_gpus=0)


def test_every_shard_is_made_on_the_device_that_ray_gave(project: Project, address: str) -> None:
    notes = facts(list(workers.make_all(jobs(104), fakes.on_ray(project, address, shard_gpus=1), unseen)))
    require_own_devices(notes)
    require_busy_devices(notes)
    assert {note["used"] for note in notes} == {"0", "1", "2", "3"}


@pytest.mark.long
def test_a_client_s_shards_are_too(project: Project, cluster: RayCluster) -> None:
    notes = facts(tried_again(lambda: list(workers.make_all(jobs(24), fakes.on_ray(project, cluster.address), unseen))))
    require_own_devices(notes)
    assert {note["used"] for note in notes} <= {"0", "1", "2", "3"}


def tried_again(make: Callable[[], list[Outcome]], times: int = 3) -> list[Outcome]:
    """As a run does: now and then the server that Ray starts for a client dies."""
    try:
        return make()
    except TransientError:
        if not times:
            raise
        return tried_again(make, times - 1)


def test_two_runs_at_once_share_no_gpu(address: str, data: object) -> None:  # noqa: ARG001
    code = f"import sys; from {fakes.__name__} import drive; drive(*sys.argv[1:])"
    command = [sys.executable, "-c", code, address, "52"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) for _ in range(2)]
    printed = [run.communicate(timeout=300)[0] for run in runs]
    require_own_devices([note for text in printed for note in json.loads(text.splitlines()[-1])])


def test_shards_take_gpus_where_there_are_any(project: Project, address: str) -> None:
    given = list(workers.make_all(jobs(1), fakes.on_ray(project, address), unseen))
    assert facts(given)[0]["used"] in {"0", "1", "2", "3"}


@pytest.mark.parametrize(
    ("settings", "asked"),
    [({"shard_gpus": 5}, "5 GPUs and 1 CPUs"), ({"shard_gpus": 1, "shard_cpus": 64}, "1 GPUs and 64 CPUs")],
)
def test_what_no_node_has_is_refused(project: Project, address: str, settings: dict[str, Any], asked: str) -> None:
    with pytest.raises(NcaError) as refused:
        list(workers.make_all(jobs(1), fakes.on_ray(project, address, **settings), unseen))
    assert str(refused.value).startswith(
        f"rollout_shards asks for {asked} of one node, but the nodes of NCA_RAY={address} have 4 and 4: lower "
    )
    assert not isinstance(refused.value, TransientError)


def test_what_a_node_may_yet_bring_is_waited_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "nodes", list)
    require_room([SHARDS], fakes.on_ray(project, "", shard_gpus=1, ray_autoscales=True))
    with pytest.raises(NcaError, match="or set NCA_RAY_AUTOSCALES=true"):
        require_room([SHARDS], fakes.on_ray(project, "", shard_gpus=1))


@pytest.mark.parametrize("kind", ["with_gpus", "without"])
def test_workers_of_another_version_are_refused(
    request: pytest.FixtureRequest, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "code_version", lambda: "0.0.9+0123abcd")
    with pytest.raises(NcaError, match=r"the Ray worker on \S+ has nca-assets \S+, this run 0\.0\.9") as refused:
        list(workers.make_all(jobs(1), request.getfixturevalue(kind), unseen))
    assert code_version() in str(refused.value)


def test_ray_is_never_asked_about_more_than_it_may_be(without: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    wait = ray.wait

    def counted(references: list[object], **options: Any) -> Any:
        asked.append(len(references))
        return wait(references, **options)

    monkeypatch.setattr(workers, "MAX_TASKS", 6)
    monkeypatch.setattr(ray, "wait", counted)
    assert len(facts(list(workers.make_all(jobs(20), without, unseen)))) == 20
    assert max(asked) == 6


@pytest.mark.parametrize("kind", ["with_gpus", "without"])
@pytest.mark.parametrize("work", [fakes.die_once, fakes.fail_once])
def test_what_fails_once_is_made_again(request: pytest.FixtureRequest, kind: str, work: Work) -> None:
    made = list(workers.make_all(jobs(8, work), request.getfixturevalue(kind), unseen))
    assert len(facts(made)) == 8


@pytest.mark.parametrize("kind", ["with_gpus", "without"])
def test_a_shard_that_ends_every_worker_is_a_failure_and_the_rest_is_made(
    request: pytest.FixtureRequest, kind: str
) -> None:
    outcomes = list(workers.make_all(jobs(8, fakes.die_at_three), request.getfixturevalue(kind), unseen))
    failed = {job.key.number: result for job, _, result in outcomes if not isinstance(result, Made)}
    assert failed.keys() == {3}
    assert isinstance(failed[3], TransientError)
    assert str(failed[3]).startswith("set1-00003: Ray lost its worker 5 times, or could not start it (")
    assert len(outcomes) == 8


def test_a_process_whose_gpu_failed_makes_nothing_more(with_gpus: Project) -> None:
    outcomes = list(workers.make_all(jobs(12, fakes.fail_on_a_broken_gpu), with_gpus, unseen))
    assert [str(result) for _, _, result in outcomes if not isinstance(result, Made)] == ["cuda failed"]
    assert len(outcomes) == 12
