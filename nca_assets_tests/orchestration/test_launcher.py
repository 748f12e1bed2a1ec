"""A run counts as alive as long as the very process that works on it is."""

import os
import subprocess
import sys
import time

import dagster as dg
import psutil
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher.base import WorkerStatus

from nca_assets.orchestration.instance.launcher import HOST, SLACK, LocalRunLauncher, this_host

pytestmark = pytest.mark.usefixtures("dagster_home")


def started_by(instance: dg.DagsterInstance, pid: int | None) -> dg.DagsterRun:
    """A run of which process ``pid`` has said that it works on it."""
    run = instance.create_run_for_job(made_job, status=dg.DagsterRunStatus.STARTED)
    instance.add_run_tags(run.run_id, {HOST: this_host()})
    if pid is not None:
        instance.report_engine_event("Started.", run, EngineEventData({"pid": dg.MetadataValue.text(str(pid))}))
    [record] = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    return record.dagster_run


@dg.job
def made_job() -> None:
    pass


def health(instance: dg.DagsterInstance, run: dg.DagsterRun) -> WorkerStatus:
    launcher = instance.run_launcher
    assert isinstance(launcher, LocalRunLauncher)
    assert launcher.supports_check_run_worker_health
    return launcher.check_run_worker_health(run).status


def test_a_run_of_a_living_process_is_running(instance: dg.DagsterInstance) -> None:
    assert health(instance, started_by(instance, os.getpid())) == WorkerStatus.RUNNING


def test_a_run_on_another_machine_or_in_another_container_is_left_alone(instance: dg.DagsterInstance) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    gone = started_by(instance, process.pid)
    for host, status in (("another", WorkerStatus.RUNNING), (this_host(), WorkerStatus.FAILED)):
        instance.add_run_tags(gone.run_id, {HOST: host})
        [record] = instance.get_run_records(dg.RunsFilter(run_ids=[gone.run_id]))
        assert health(instance, record.dagster_run) == status


def test_a_run_that_has_not_said_its_process_is_left_alone(instance: dg.DagsterInstance) -> None:
    assert health(instance, started_by(instance, None)) == WorkerStatus.RUNNING


def test_a_run_of_a_dead_process_has_failed(instance: dg.DagsterInstance) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert health(instance, started_by(instance, process.pid)) == WorkerStatus.FAILED


def test_a_younger_process_of_the_same_number_is_another(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started_by(instance, os.getpid())
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: time.time() + 2 * SLACK)
    assert health(instance, run) == WorkerStatus.FAILED
