"""The real daemon and webserver: cancelling, filling up on schedule, new centroids, and kill -9 of daemon and run."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import psutil
import pytest
import torch

from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.end_to_end.conftest import Project, clone, free_port, graphql, wait_for

pytestmark = pytest.mark.long

SHARDS, LABELS = dg.AssetKey("rollout_shards"), dg.AssetKey("behavior_labels")
BUDGET = 4
LOCATION = 'repositoryName: "__repository__", repositoryLocationName: "nca_assets"'


class Deployment:
    """A webserver, a daemon, which can be killed, and the instance that they work on."""

    def __init__(self, project: Project, instance: dg.DagsterInstance) -> None:
        self.project, self.instance, port = project, instance, free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.processes = [self._start("dagster-webserver", "-h", "127.0.0.1", "-p", str(port))]
        wait_for(self.address, self.processes[0], self._log("dagster-webserver"))

    def start_daemon(self) -> None:
        self.processes.append(self._start("dagster-daemon", "run"))

    def _start(self, command: str, *options: str) -> subprocess.Popen[bytes]:
        with self._log(command).open("a") as log:
            return subprocess.Popen(
                [BIN / command, *options, "-w", "workspace.yaml"], cwd=self.project.folder,
                env=self.project.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
            )  # fmt: skip

    def _log(self, command: str) -> Path:
        return self.project.folder / f"{command}.log"

    def stop(self) -> None:
        """Kill every process that works on the instance, those that others started included."""
        for process in psutil.process_iter(["environ"]):
            if (process.info["environ"] or {}).get("DAGSTER_HOME") == self.project.environment["DAGSTER_HOME"]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        for process in self.processes:
            process.wait()

    def made(self, key: dg.AssetKey) -> Counter[str]:
        """How often each partition has been materialized."""
        records = self.instance.fetch_materializations(key, limit=1000).records
        return Counter(str(record.partition_key) for record in records)

    def unfinished_runs(self) -> list[dg.DagsterRun]:
        under_way = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
        return list(self.instance.get_runs(dg.RunsFilter(statuses=under_way)))

    def log(self) -> str:
        """What the daemon said last, and why steps failed."""
        failures = [
            log.dagster_event.step_failure_data
            for run in self.instance.get_runs(limit=20)
            for log in self.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
            if log.dagster_event
        ]
        said = [f"{failed.user_failure_data} {failed.error and failed.error.to_string()}" for failed in failures]
        return "\n".join([self._log("dagster-daemon").read_text()[-3000:], *said])


BIN = Path(sys.executable).parent


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """Six partitions of which a run makes two, each taking seconds on one thread."""
    project = clone(
        tmp_path / "clone", NCA_SHARD_SIZE="96", NCA_SHARDS_PER_SET="2", NCA_THREADS="1", NCA_SHARDS_PER_RUN="2",
        NCA_SHARDS_PER_TICK=str(BUDGET), NCA_TOP_UP_CRON="* * * * *",
    )  # fmt: skip
    project.environment["DAGSTER_HOME"] = str(project.folder / ".dagster")
    imported = project.nca("import", "centroids", str(GOLDEN / "centroids.pt"))
    assert imported.returncode == 0, imported.stderr
    monkeypatch.setenv("DAGSTER_HOME", project.environment["DAGSTER_HOME"])
    with dg.DagsterInstance.get() as instance:
        deployed = Deployment(project, instance)
        try:
            deployed.start_daemon()
            yield deployed
        finally:
            deployed.stop()


def eventually(what: Callable[[], object], deployment: Deployment, seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, deployment.log()
        time.sleep(0.2)


def test_a_run_is_cancelled_and_the_schedule_fills_up_whatever_is_killed(deployment: Deployment) -> None:
    with no_partial_files(deployment.project):
        cancel_a_run(deployment)
    fill_up(deployment)
    refill_after_new_centroids(deployment)


@contextmanager
def no_partial_files(project: Project) -> Iterator[None]:
    yield
    assert not list(project.data.rglob("*.part"))


def cancel_a_run(deployment: Deployment) -> None:
    """Cancelled by the API in its second partition, a run ends at once, and keeps the first."""
    run = graphql(
        deployment.address,
        f"""mutation {{ launchPipelineExecution(executionParams: {{
            selector: {{{LOCATION}, pipelineName: "make_shard"}}, mode: "default",
            executionMetadata: {{tags: [
                {{key: "dagster/asset_partition_range_start", value: "set1-00000"}},
                {{key: "dagster/asset_partition_range_end", value: "set3-00001"}}]}}
        }}) {{ __typename ... on LaunchRunSuccess {{ run {{ runId }} }} ... on PythonError {{ message }} }} }}""",
    )["launchPipelineExecution"]["run"]["runId"]
    second = deployment.project.data / "nca_dataset"
    eventually(lambda: list(second.glob(".shard_00001.npz.*.part")), deployment)
    started = time.monotonic()
    ended = graphql(deployment.address, f'mutation {{ terminateRun(runId: "{run}") {{ __typename }} }}')
    assert ended["terminateRun"]["__typename"] == "TerminateRunSuccess"
    eventually(lambda: status(deployment, run) == dg.DagsterRunStatus.CANCELED, deployment, seconds=30)
    assert time.monotonic() - started < 30
    assert deployment.made(SHARDS) == deployment.made(LABELS) == {"set1-00000": 1}


def status(deployment: Deployment, run: str) -> dg.DagsterRunStatus:
    found = deployment.instance.get_run_by_id(run)
    assert found
    return found.status


def fill_up(deployment: Deployment) -> None:
    """The schedule asks for what is missing, no more than its budget a tick, and the pool left by the run is free."""
    for mutation in (
        f'startSchedule(scheduleSelector: {{{LOCATION}, scheduleName: "top_up"}})',
        f'startSensor(sensorSelector: {{{LOCATION}, sensorName: "default_automation_condition_sensor"}})',
    ):
        answer = graphql(deployment.address, f"mutation {{ {mutation} {{ __typename }} }}")
        assert "Error" not in str(answer), answer
    everything = Counter(f"set{s}-0000{n}" for s in (1, 2, 3) for n in (0, 1))
    eventually(lambda: deployment.made(LABELS) == everything, deployment, seconds=240)
    assert deployment.made(SHARDS) == everything
    runs = runs_by_tick(deployment)
    assert sum(runs) == 4  # set1-00001, all of set2, set3-00000 and, a tick later, set3-00001
    assert max(runs) == 3
    eventually((deployment.project.data / "nca.duckdb").exists, deployment)


def runs_by_tick(deployment: Deployment) -> list[int]:
    [state] = [s for s in deployment.instance.all_instigator_state() if s.instigator_name == "top_up"]
    return [len(tick.run_ids) for tick in deployment.instance.get_ticks(state.instigator_origin_id, state.selector_id)]


def refill_after_new_centroids(deployment: Deployment) -> None:
    """New centroids make all stale; daemon and run killed on the way, each partition is made exactly once more."""
    other = deployment.project.folder / "other.pt"
    torch.save(torch.load(GOLDEN / "centroids.pt", weights_only=True).flip(0), other)
    imported = deployment.project.nca("import", "centroids", str(other))
    assert imported.returncode == 0, imported.stderr
    eventually(lambda: deployment.made(SHARDS).total() >= 7, deployment)
    [run] = [run for run in deployment.unfinished_runs() if "dagster/asset_partition_range_start" in run.tags]
    deployment.processes[-1].kill()
    process_of(deployment, run).kill()
    left_over = deployment.made(SHARDS)
    assert left_over.total() < 12
    time.sleep(1)
    deployment.start_daemon()
    twice = Counter({f"set{s}-0000{n}": 2 for s in (1, 2, 3) for n in (0, 1)})
    eventually(lambda: deployment.made(LABELS) == twice, deployment, seconds=300)
    assert deployment.made(SHARDS) == twice
    assert status(deployment, run.run_id) == dg.DagsterRunStatus.FAILURE
    stale = deployment.project.nca("status").stdout
    assert "every partition is up to date" in stale
    answer = deployment.project.nca("verify", "set1-00000", "set3-00001")
    assert answer.returncode == 0, answer.stderr


def process_of(deployment: Deployment, run: dg.DagsterRun) -> psutil.Process:
    logs = deployment.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    said = [log.dagster_event.engine_event_data.metadata for log in logs if log.dagster_event]
    return psutil.Process(int(str([metadata["pid"].value for metadata in said if "pid" in metadata][-1])))
