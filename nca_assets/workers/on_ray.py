"""The workers of a Ray cluster: each stage of a partition is placed where its GPUs and CPUs are free.

Stages with a GPU are made by actors, which keep the device that Ray assigned: CUDA binds a process to its first device,
but Ray reuses the processes of tasks with others. Stages without a GPU are tasks. Ray repeats work of lost workers.
"""

import logging
import pickle
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from nca_assets.errors import DeviceError, NcaError, TransientError
from nca_assets.progress import unwatched
from nca_assets.project import Project
from nca_assets.workers.local import Watch
from nca_assets.workers.ray_cluster import (
    OtherVersionError,
    code_version,
    connected,
    require_room,
    require_version,
    with_gpus,
)
from nca_assets.workers.several import Queue, enqueue, make_with
from nca_assets.workers.stages import Job, Made, Outcome, Stage

LOST_WORKERS = 4
"""Repeats of a stage whose worker was lost."""

MAX_ACTORS = 64
"""Of a run, including those that wait for a free GPU or a new node."""

MAX_TASKS = 512
"""Of a run at a time: each wait for the next result goes through all of them."""

MAX_SILENCE_S = 30.0
"""Seconds without a result before a line in the log."""

log = logging.getLogger(__name__)


def make_all(jobs: Sequence[Job], project: Project, watch: Watch) -> Generator[Outcome, None, None]:
    """Make every partition, and give each stage as it is done. Raises ``NcaError`` if no worker can be had."""
    with connected(project.orchestration.ray):
        project = with_gpus(project)
        require_room({stage.name: stage for job in jobs for stage in job.stages}.values(), project)
        workers = _Workers(project)
        try:
            with watch("partitions on Ray", "partitions") as progress:
                yield from make_with(workers, jobs, progress)
        finally:
            workers.end()


class _Workers:
    """The actors and tasks of a run, and the stages not yet given to one."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.for_actors: Queue = deque()
        self.for_tasks: Queue = deque()
        self.under_way: dict[Any, tuple[Job, Stage, Any]] = {}
        """By Ray's reference to the result; the third is the actor, None for a task."""
        self.starting: dict[Any, Any] = {}
        """Actors not yet placed, by the reference to the result of ``begin``."""
        self.idle: list[Any] = []

    def submit(self, job: Job, stage: Stage) -> None:
        gpus, _ = self._room(job, stage)
        enqueue(self.for_actors if gpus else self.for_tasks, job, stage)

    def results(self) -> list[Outcome]:
        import ray

        self._hand_out()
        done, _ = ray.wait([*self.under_way, *self.starting], num_returns=1, timeout=MAX_SILENCE_S)
        if not done:
            unfinished = len(self.under_way) + len(self.for_actors) + len(self.for_tasks)
            log.info("%d stages are running or waiting for room on Ray", unfinished)
        outcomes: list[Outcome] = []
        for reference in done:
            if reference in self.starting:
                _value(reference, "a worker with a GPU")
                self.idle.append(self.starting.pop(reference))
            else:
                outcomes.append(self._outcome(reference))
        return outcomes

    def _outcome(self, reference: Any) -> Outcome:
        import ray

        job, stage, actor = self.under_way.pop(reference)
        try:
            result = _value(reference, str(job.key))
        except OtherVersionError:
            raise
        except NcaError as error:
            result = error
        if actor and isinstance(result, TransientError):
            ray.kill(actor)  # its device may have failed
        elif actor:
            self.idle.append(actor)
        return job, stage, result

    def _hand_out(self) -> None:
        """Give waiting stages to free workers, and release the GPUs that are no longer needed."""
        import ray

        while self.for_actors and self.idle:
            actor, (job, stage) = self.idle.pop(), self.for_actors.popleft()
            method = actor.make.options(retry_exceptions=[TransientError])
            self.under_way[method.remote(code_version(), self._packed(job, stage))] = job, stage, actor
        at_work = [actor for _, _, actor in self.under_way.values() if actor]
        while len(self.starting) < len(self.for_actors) and len(self.starting) + len(at_work) < MAX_ACTORS:
            actor = self._start_actor(*self.for_actors[0])
            self.starting[actor.begin.remote(code_version())] = actor
        while self.for_tasks and len(self.under_way) - len(at_work) < MAX_TASKS:
            job, stage = self.for_tasks.popleft()
            self.under_way[self._start_task(job, stage)] = job, stage, None
        if not self.for_actors:
            for actor in [*self.idle, *self.starting.values()]:
                ray.kill(actor)
            self.idle, self.starting = [], {}

    def _room(self, job: Job, stage: Stage) -> tuple[float, int]:
        """GPUs and CPUs; checks alone need no GPU."""
        gpus, cpus = stage.room(self.project.orchestration)
        return 0 if stage.name in job.there else gpus, cpus

    def _start_actor(self, job: Job, stage: Stage) -> Any:
        import ray

        gpus, cpus = self._room(job, stage)
        kind: Any = ray.remote(_Actor)
        return kind.options(
            num_gpus=gpus, num_cpus=cpus, max_restarts=LOST_WORKERS, max_task_retries=LOST_WORKERS
        ).remote()

    def _start_task(self, job: Job, stage: Stage) -> Any:
        import ray

        task: Any = ray.remote(_make)
        return task.options(
            name=f"{stage.name} {job.key}", num_cpus=self._room(job, stage)[1],
            max_retries=LOST_WORKERS, retry_exceptions=[TransientError],
        ).remote(code_version(), self._packed(job, stage))  # fmt: skip

    def _packed(self, job: Job, stage: Stage) -> bytes:
        """A stage for a worker, as bytes: a worker of another version must not unpickle it."""
        there = _for_worker(self.project, *self._room(job, stage))
        return pickle.dumps((stage, job.key, there, stage.name in job.there))

    def end(self) -> None:
        """Cancel all unfinished work."""
        import ray

        with suppress(Exception):  # the cluster may be gone
            for reference, (_, _, actor) in self.under_way.items():
                if actor:
                    ray.kill(actor)
                else:
                    ray.cancel(reference)
            for actor in [*self.idle, *self.starting.values()]:
                ray.kill(actor)


class _Actor:
    """A process on Ray that keeps its device."""

    def begin(self, version: str) -> None:
        """Return once the actor is placed."""
        require_version(version)

    def make(self, version: str, work: bytes) -> Made | NcaError:
        """Make a stage, as a task does."""
        return _make(version, work)


def _make(version: str, work: bytes) -> Made | NcaError:
    """Make a packed stage, on a worker."""
    require_version(version)
    import ray

    stage, key, project, there = pickle.loads(work)  # noqa: S301 from the run
    outcome = stage.make(key, project, unwatched, there)
    if isinstance(outcome, Made) and outcome.artifact:
        facts = {**outcome.artifact.facts, "Ray node": ray.get_runtime_context().get_node_id()}
        return replace(outcome, artifact=replace(outcome.artifact, facts=facts))
    if isinstance(outcome, TransientError) and not isinstance(outcome, DeviceError):
        raise outcome  # Ray tries it again
    return outcome


def _value(reference: Any, what: str) -> Any:
    """The result of work on ``what``. Raises ``NcaError``, ``TransientError`` if the worker was lost."""
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(reference)
    except RayTaskError as error:
        if isinstance(error.cause, NcaError):
            raise error.cause from None
        raise
    except RayError as error:
        raise TransientError(
            f"{what}: Ray lost its worker {LOST_WORKERS + 1} times, or could not start it "
            f"({type(error).__name__}: {str(error).splitlines()[0][:200]}). Look at the cluster, then make it again."
        ) from None


def _for_worker(project: Project, gpus: float, cpus: int) -> Project:
    """The project for a worker: with its CPUs and its one device, if any, and independent of the working folder."""
    device = project.resources.device.partition(":")[0] if gpus else "cpu"
    return Project(
        project.dataset.model_copy(update={"data": project.dataset.data.absolute()}),
        project.resources.model_copy(update={"threads": cpus, "device": device}),
        project.orchestration.model_copy(update={"ray": ""}),
    )
