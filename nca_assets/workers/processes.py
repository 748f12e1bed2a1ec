"""A process for each GPU of this machine, which sees that device alone for as long as it lives.

A process that is lost, or whose GPU fails, costs the partition that it was making; the others make the rest.
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

from nca_assets.errors import DeviceError, NcaError
from nca_assets.progress import unwatched
from nca_assets.project import Project
from nca_assets.workers.local import Watch
from nca_assets.workers.several import make_with
from nca_assets.workers.stages import Job, Made, Outcome, Stage


def make_all(
    jobs: Sequence[Job], project: Project, watch: Watch, devices: Sequence[str]
) -> Generator[Outcome, None, None]:
    """Make every partition, and give each stage as it is done. ``devices`` are as in ``CUDA_VISIBLE_DEVICES``."""
    workers = _Processes(devices[: len(jobs)], project)
    try:
        with watch(f"partitions on {len(workers.alive)} GPUs", "partitions") as progress:
            yield from make_with(workers, jobs, progress)
    finally:
        workers.end()


class _Processes:
    """The processes, and the stages that wait for one to be free."""

    def __init__(self, devices: Sequence[str], project: Project) -> None:
        threads = max(1, project.resources.threads // len(devices))
        project = replace(project, resources=project.resources.model_copy(update={"threads": threads}))
        self.waiting: deque[tuple[Job, Stage]] = deque()
        self.alive = [_Worker(device, project) for device in devices]

    def submit(self, job: Job, stage: Stage) -> None:
        if stage is job.stages[0]:
            self.waiting.append((job, stage))
        else:
            self.waiting.appendleft((job, stage))

    def results(self) -> list[Outcome]:
        for worker in list(self.alive):
            if self.waiting and worker.at is None:
                if worker.begin(*self.waiting[0]):
                    self.waiting.popleft()
                else:
                    self._leave_out(worker)
        busy = {worker.line: worker for worker in self.alive if worker.at}
        if not busy:
            job, stage = self.waiting.popleft()
            return [(job, stage, DeviceError(f"{job.key}: no process is left to make it; the log says how each ended"))]
        outcomes: list[Outcome] = []
        for line in wait(list(busy)):
            worker = busy[line]  # type: ignore[index]
            outcomes.append(worker.result())
            if isinstance(outcomes[-1][2], DeviceError):
                self._leave_out(worker)
        return outcomes

    def _leave_out(self, worker: "_Worker") -> None:
        self.alive.remove(worker)
        worker.end()

    def end(self) -> None:
        """End all processes, whatever they are doing."""
        for worker in self.alive:
            worker.end()


class _Worker:
    """A process, this end of the pipe to it, and the stage that it is at."""

    def __init__(self, device: str, project: Project) -> None:
        context = get_context("spawn")  # CUDA does not survive a fork
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(device, project, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.device = device
        self.at: tuple[Job, Stage] | None = None

    def begin(self, job: Job, stage: Stage) -> bool:
        """Whether the process is there to make ``stage``."""
        try:
            self.line.send((stage, job.key, stage.name in job.there))
        except OSError:
            return False
        self.at = job, stage
        return True

    def result(self) -> Outcome:
        """The result that has come; a ``DeviceError`` if the process ended instead. Raises what it raised."""
        assert self.at
        job, stage = self.at
        self.at = None
        try:
            result = self.line.recv()
        except (EOFError, OSError):
            self.process.join()
            result = DeviceError(
                f"{job.key}: the process that made its {stage.name} on GPU {self.device} ended with exit code "
                f"{self.process.exitcode}. Look at the machine's memory and at nvidia-smi, then make it again."
            )
        if not isinstance(result, Made | NcaError):
            raise result
        return job, stage, result

    def end(self) -> None:
        """End the process, whatever it is doing: files appear whole, so nothing partial is left."""
        self.line.close()
        self.process.kill()
        self.process.join()


def _serve(device: str, project: Project, line: Connection) -> None:
    """Make stages as they come, until the process of the run ends this one, or is gone."""
    os.environ["CUDA_VISIBLE_DEVICES"] = device  # before anything imports torch
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a terminal sends to the run's process too
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
    parent = parent_process()
    assert parent
    parent.join()
    os._exit(1)
