"""The workers of a Ray cluster: each stage of a partition is a task, with the GPUs and CPUs that the settings give it.

Ray places tasks where there is room, and repeats those of lost workers on others.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from nca_assets.errors import NcaError, TransientError
from nca_assets.ids import ShardKey
from nca_assets.progress import unwatched
from nca_assets.project import Project
from nca_assets.workers.local import Watch
from nca_assets.workers.stages import Job, Made, Outcome, Stage, succeeded

LOST_WORKERS = 4
"""How often a task is repeated whose worker was lost."""

MAX_SILENCE_S = 30.0
"""Seconds without a result after which the log says that one is waiting."""

log = logging.getLogger(__name__)


def make_all(jobs: Sequence[Job], project: Project, watch: Watch) -> Iterator[Outcome]:
    """Make every partition, and give each stage as it is done. Raises ``NcaError`` if no worker can be had."""
    import ray

    with _cluster(project.orchestration.ray), watch("partitions on Ray", "tasks") as progress:
        waiting = {task: (job, stage) for job in jobs for stage, task in _submit(job, project)}
        tasks = len(waiting)
        try:
            while waiting:
                done, _ = ray.wait(list(waiting), num_returns=1, timeout=MAX_SILENCE_S)
                if not done:
                    log.info("%d tasks under way or waiting for room on %s", len(waiting), project.orchestration.ray)
                    continue
                for task in done:
                    job, stage = waiting.pop(task)
                    outcome = _result(task, job)
                    if outcome is not None:
                        yield job, stage, outcome
                progress(tasks - len(waiting), tasks)
        finally:
            for task in waiting:
                with suppress(Exception):  # it may be over, or the cluster gone
                    ray.cancel(task)


def _submit(job: Job, project: Project) -> Iterator[tuple[Stage, Any]]:
    """A task for each stage of ``job``, each given the result of the one before."""
    import ray

    before = None
    for stage in job.stages:
        gpus, cpus = stage.room(project.orchestration)
        there = _for_worker(project, gpus, cpus)
        task: Any = ray.remote(_make_there)
        before = task.options(
            name=f"{stage.name} {job.key}", num_gpus=gpus, num_cpus=cpus, max_retries=LOST_WORKERS,
            retry_exceptions=[TransientError],
        ).remote(stage, job.key, there, stage.name in job.there, before)  # fmt: skip
        yield stage, before


def _for_worker(project: Project, gpus: float, cpus: int) -> Project:
    """The project as a worker sees it: it has these CPUs and GPUs, and another working folder."""
    dataset = {"data": project.dataset.data.absolute()}
    resources = {"threads": cpus, "device": project.resources.device if gpus else "cpu"}
    return Project(
        project.dataset.model_copy(update=dataset),
        project.resources.model_copy(update=resources),
        project.orchestration.model_copy(update={"ray": ""}),
    )


def _make_there(
    stage: Stage, key: ShardKey, project: Project, there: bool, before: Made | NcaError | None
) -> Made | NcaError | None:
    """What a worker does; nothing if what comes ``before`` in the partition failed."""
    if before is not None and not succeeded(before):
        return None
    import ray

    outcome = stage.make(key, project, unwatched, there)
    if isinstance(outcome, Made) and outcome.artifact:
        facts = {**outcome.artifact.facts, "Ray node": ray.get_runtime_context().get_node_id()}
        return replace(outcome, artifact=replace(outcome.artifact, facts=facts))
    if isinstance(outcome, TransientError):
        raise outcome  # Ray tries it again
    return outcome


def _result(task: Any, job: Job) -> Made | NcaError | None:
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(task)
    except RayTaskError as error:
        if isinstance(error.cause, NcaError):
            return error.cause
        raise
    except RayError as error:
        return TransientError(
            f"{job.key}: Ray lost its worker {LOST_WORKERS + 1} times, or could not start it "
            f"({type(error).__name__}: {str(error).splitlines()[0][:200]}). Look at the cluster, then make it again."
        )


@contextmanager
def _cluster(address: str) -> Iterator[None]:
    import ray

    try:
        logging.getLogger("ray").setLevel(logging.WARNING)
        ray.init(address, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise TransientError(
            f"the Ray cluster at NCA_RAY={address} can't be reached ({str(error).splitlines()[0][:200]}): start it, or "
            "unset NCA_RAY to work in this process"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()
