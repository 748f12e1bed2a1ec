"""The instance's run launcher: Dagster's default one, which also notices that a run's process is gone.

Dagster's own fails a run whose process died only as long as the server that started it lives. After ``kill -9`` of
both, or a power cut, such a run would count as started, and hold its pool, for ever. ``dagster.yaml`` names this class;
with it, run monitoring fails such runs, so that what they have not made is made by others.
"""

from collections.abc import Mapping

import dagster as dg
import psutil
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher

SLACK = 2.0
"""Seconds that a process may seem to be younger than what it said first."""


class LocalRunLauncher(DefaultRunLauncher):
    """For runs on this machine, in-process ones included."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Whether run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process that said last that it works on ``run`` is there, and is not a younger one."""
        said = [
            (int(pid), log.timestamp)
            for log in self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
            if log.dagster_event and (pid := _pid(log.dagster_event.engine_event_data.metadata)) is not None
        ]
        if not said:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "it has not said yet what process it is")
        pid, time = said[-1]
        try:
            if psutil.Process(pid).create_time() <= time + SLACK:
                return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=str(pid))
        except psutil.NoSuchProcess:
            pass
        return CheckRunHealthResult(WorkerStatus.FAILED, f"process {pid} is gone", run_worker_id=str(pid))


def _pid(metadata: Mapping[str, dg.MetadataValue]) -> str | None:
    return str(metadata["pid"].value) if "pid" in metadata else None
