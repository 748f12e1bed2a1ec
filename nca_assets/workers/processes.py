"""A process for each GPU of this machine, which sees only that device.

If a process dies or its GPU fails, its current partition is a failure, and the other processes make the rest.
"""

import os
import signal
import traceback
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any

from nca_assets.errors import DeviceError, NcaError, TransientError
from nca_assets.progress import unwatched
from nca_assets.project import Project
from nca_assets.workers.local import Watch
from nca_assets.workers.several import Queue, enqueue, make_with
from nca_assets.workers.stages import Job, Made, Outcome, Stage


def make_all(
    jobs: Sequence[Job], project: Project, watch: Watch, devices: Sequence[str]
) -> Generator[Outcome, None, None]:
    """Make every partition, and give each stage as it is done. ``devices`` are as in ``CUDA_VISIBLE_DEVICES``."""
    workers = _Processes(devices[: len(jobs)], project)
    try:
        with watch(f"partitions on {len(workers.all)} GPUs", "partitions") as progress:
            yield from make_with(workers, jobs, progress)
    finally:
        workers.end()


class _Processes:
    """The processes, and the stages not yet given to one."""

    def __init__(self, devices: Sequence[str], project: Project) -> None:
        threads = max(1, project.resources.threads // len(devices))
        project = replace(project, resources=project.resources.model_copy(update={"threads": threads}))
        self.waiting: Queue = deque()
        self.all = [_Process(device, project) for device in devices]
        self.idle = list(self.all)
        self.busy: dict[Any, tuple[_Process, Job, Stage]] = {}
        """By this end of the pipe."""

    def submit(self, job: Job, stage: Stage) -> None:
        enqueue(self.waiting, job, stage)

    def results(self) -> list[Outcome]:
        while self.waiting and self.idle:
            self._begin(self.idle.pop())
        if not self.busy:
            job, stage = self.waiting.popleft()
            error = TransientError(f"{job.key}: no process is left to make it (the log has the failure of each)")
            return [(job, stage, error)]
        return [self._outcome(line) for line in wait(list(self.busy))]

    def _begin(self, process: "_Process") -> None:
        job, stage = self.waiting[0]
        if process.begin(job, stage):
            self.waiting.popleft()
            self.busy[process.line] = process, job, stage
        else:
            process.end()

    def _outcome(self, line: Any) -> Outcome:
        process, job, stage = self.busy.pop(line)
        result = process.result(job, stage)
        if isinstance(result, DeviceError) or not process.is_alive():
            process.end()
        else:
            self.idle.append(process)
        return job, stage, result

    def end(self) -> None:
        """End all processes at once."""
        for process in self.all:
            process.end()


class _Process:
    """A process, and this end of the pipe to it."""

    def __init__(self, device: str, project: Project) -> None:
        context = get_context("spawn")  # CUDA does not survive a fork
        self.line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(device, project, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._device = device

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def begin(self, job: Job, stage: Stage) -> bool:
        """Have ``stage`` made; False if the process has died."""
        try:
            self.line.send((stage, job.key, stage.name in job.there))
        except OSError:
            return False
        return True

    def result(self, job: Job, stage: Stage) -> Made | NcaError:
        """The result, ``TransientError`` if the process has died. Raises what the stage raised."""
        try:
            result = self.line.recv()
        except (EOFError, OSError):
            self._process.join()
            return TransientError(
                f"{job.key}: the process that made its {stage.name} on GPU {self._device} ended with exit code "
                f"{self._process.exitcode}. Look at the machine's memory and at nvidia-smi, then make it again."
            )
        if not isinstance(result, Made | NcaError):
            raise result
        return result

    def end(self) -> None:
        """End the process at once: files appear whole, so nothing partial is left."""
        self.line.close()
        self._process.kill()
        self._process.join()


def _serve(device: str, project: Project, line: Connection) -> None:
    """Make stages until the run ends this process, or ends itself."""
    os.environ["CUDA_VISIBLE_DEVICES"] = device  # before anything imports torch
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run handles it, and ends this process
    Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            stage, key, there = line.recv()
            try:
                line.send(stage.make(key, project, unwatched, there))
            except OSError:
                raise
            except Exception as error:
                error.add_note(traceback.format_exc())
                line.send(error)


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)
