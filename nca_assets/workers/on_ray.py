"""The workers of a Ray cluster: each stage of a partition goes where there is room for it.

A stage with GPUs is made by an actor, a process that keeps the device which Ray gave it: CUDA binds a process to its
first device, and Ray gives the processes of tasks another for each. Stages without are tasks. Ray repeats either on
other nodes if their workers are lost.
"""

import logging
import pickle
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from nca_assets.errors import DeviceError, NcaError, TransientError
from nca_assets.progress import unwatched
from nca_assets.project import Project
from nca_assets.versions import code_version
from nca_assets.workers.local import Watch
from nca_assets.workers.several import make_with
from nca_assets.workers.stages import Job, Made, Outcome, Stage

LOST_WORKERS = 4
"""How often a stage is repeated whose worker was lost."""

MAX_ACTORS = 64
"""Of a run: those that exceed the cluster's GPUs wait for one, as for nodes that join."""

MAX_TASKS = 512
"""Of a run, under way or waiting for room: Ray looks at all of them whenever one is done."""

MAX_SILENCE_S = 30.0
"""Seconds without a result after which the log says that one is waiting."""

log = logging.getLogger(__name__)


class OtherVersionError(NcaError):
    """A worker's code is not the run's."""


def make_all(jobs: Sequence[Job], project: Project, watch: Watch) -> Generator[Outcome, None, None]:
    """Make every partition, and give each stage as it is done. Raises ``NcaError`` if no worker can be had."""
    with _cluster(project.orchestration.ray):
        project = _with_gpus(project)
        _require_room({stage.name: stage for job in jobs for stage in job.stages}.values(), project)
        workers = _Workers(project)
        try:
            with watch("partitions on Ray", "partitions") as progress:
                yield from make_with(workers, jobs, progress)
        finally:
            workers.end()


class _Workers:
    """The actors and tasks, and the stages that wait for one."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.for_actors: deque[tuple[Job, Stage]] = deque()
        self.for_tasks: deque[tuple[Job, Stage]] = deque()
        self.under_way: dict[Any, tuple[Job, Stage, Any]] = {}
        """By Ray's reference to the result; with the actor, if it is one that makes it."""
        self.starting: dict[Any, Any] = {}
        """Actors, by the reference to their first sign of life."""
        self.idle: list[Any] = []

    def submit(self, job: Job, stage: Stage) -> None:
        gpus, _ = stage.room(self.project.orchestration)
        waiting = self.for_actors if gpus else self.for_tasks
        if stage is job.stages[0]:
            waiting.append((job, stage))
        else:
            waiting.appendleft((job, stage))

    def results(self) -> list[Outcome]:
        import ray

        self._hand_out()
        expected = [*self.under_way, *self.starting]
        done, _ = ray.wait(expected, num_returns=1, timeout=MAX_SILENCE_S)
        if not done:
            log.info("%d stages under way or waiting for room on Ray", len(self.under_way) + len(self.for_actors))
        outcomes: list[Outcome] = []
        for reference in done:
            if reference in self.starting:
                ...
        return outcomes
