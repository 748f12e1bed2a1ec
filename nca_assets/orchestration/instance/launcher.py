"""The instance's run launcher: Dagster's default one, plus detection of dead run processes.

Dagster's own fails a run whose process died only while the server that started it is alive. After ``kill -9`` of both,
or a power cut, such a run would stay started, and hold its pool, forever. With this class, configured in
``dagster.yaml``, run monitoring fails such runs, so that their unfinished partitions can be requested again.
"""

import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psutil
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher

HOST = "nca_assets/host"
"""Tag of the machine, or container, that a run's process is on; each run sets its own."""

SECONDS_TO_TAG = 60.0
"""A run whose process is younger may not have set the tag yet."""

SLACK = 2.0
"""Seconds by which a process may appear to have started after its first event."""


class LocalRunLauncher(DefaultRunLauncher):
    """For runs on this machine, in-process ones included."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True: run monitoring may check run processes."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the last process to report work on ``run`` is alive, and its id has not been reused."""
        host = run.tags.get(HOST)
        if host and host != this_host():
            return CheckRunHealthResult(WorkerStatus.RUNNING, f"it runs on another machine or container, {host}")
        reported = [
            (int(pid), log.timestamp)
            for log in self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
            if log.dagster_event and (pid := _pid(log.dagster_event.engine_event_data.metadata)) is not None
        ]
        if not reported:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its process has not reported an id yet")
        pid, time = reported[-1]
        if not host and time > datetime.now(UTC).timestamp() - SECONDS_TO_TAG:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "it has not said yet what machine it is on")
        try:
            if psutil.Process(pid).create_time() <= time + SLACK:
                return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=str(pid))
        except psutil.NoSuchProcess:
            pass
        return CheckRunHealthResult(WorkerStatus.FAILED, f"process {pid} is gone", run_worker_id=str(pid))


def this_host() -> str:
    """The name of this machine and, since containers on it may share that, of its space of process ids."""
    space = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()} {space.readlink() if space.exists() else ''}".strip()


def _pid(metadata: Mapping[str, dg.MetadataValue]) -> str | None:
    return str(metadata["pid"].value) if "pid" in metadata else None
