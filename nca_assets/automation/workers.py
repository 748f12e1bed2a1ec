"""Who makes the partitions of a run: this process, one after the other, or the workers of a Ray cluster.

``NCA_RAY`` decides. On Ray each asset of a partition is a task of its own, with the GPUs and CPUs that the settings
give it. Ray places tasks where there is room, and repeats those of workers that are lost on others.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg

from nca_assets.automation.database import retry_while_down
from nca_assets.automation.partition_work import Made, make
from nca_assets.automation.reporting import progress_in_log
from nca_assets.errors import NcaError, TransientError
from nca_assets.ids import ShardKey
from nca_assets.progress import unwatched
from nca_assets.project import Project

LOST_WORKERS = 4
"""How often a task is repeated whose worker was lost."""

MAX_SILENCE_S = 30.0
"""Seconds without a result after which the log says that one is waiting."""


@dataclass(frozen=True)
class Job:
    """A partition to make: of which assets, and which of these are there already and only to be checked."""

    key: ShardKey
    assets: Sequence[str]
    there: frozenset[str] = frozenset()


Outcome = tuple[Job, str, Made | NcaError]
"""A job, one of its assets, and what came of it; what follows one that failed is left out."""


def make_all(jobs: Sequence[Job], project: Project, context: dg.AssetExecutionContext) -> Iterator[Outcome]:
    """Make every partition, and give each asset as it is done. Raises ``NcaError`` if no worker can be had."""
    return _on_ray(jobs, project, context) if project.orchestration.ray else _here(jobs, project, context)


def _here(jobs: Sequence[Job], project: Project, context: dg.AssetExecutionContext) -> Iterator[Outcome]:
    for number, job in enumerate(jobs, start=1):
        name = f"{job.key} ({number} of {len(jobs)})" if len(jobs) > 1 else str(job.key)
        for asset in job.assets:
            what = name if asset == "rollout_shards" else f"{name} labels"
            with progress_in_log(context, what, "rollouts") as progress:
                outcome = _outcome(lambda: make(asset, job.key, project, progress, asset in job.there))  # noqa: B023
            yield job, asset, outcome
            if not _succeeded(outcome):
                break


def _outcome(work: Callable[[], Made]) -> Made | NcaError:
    try:
        return work()
    except NcaError as error:
        return error


def _succeeded(outcome: Made | NcaError | None) -> bool:
    return isinstance(outcome, Made) and outcome.sound


def _on_ray(jobs: Sequence[Job], project: Project, context: dg.AssetExecutionContext) -> Iterator[Outcome]:
    import ray

    with _cluster(project.orchestration.ray), progress_in_log(context, "partitions on Ray", "tasks") as progress:
        waiting = {task: (job, asset) for job in jobs for asset, task in _submit(job, project)}
        tasks = len(waiting)
        try:
            while waiting:
                done, _ = ray.wait(list(waiting), num_returns=1, timeout=MAX_SILENCE_S)
                if not done:
                    line = f"{len(waiting)} tasks under way or waiting for room on {project.orchestration.ray}"
                    retry_while_down(lambda line=line: context.log.info(line))
                    continue
                for task in done:
                    job, asset = waiting.pop(task)
                    outcome = _result(task, job)
                    if outcome is not None:
                        yield job, asset, outcome
                progress(tasks - len(waiting), tasks)
        finally:
            for task in waiting:
                with suppress(Exception):  # it may be over, or the cluster gone
                    ray.cancel(task)


def _submit(job: Job, project: Project) -> Iterator[tuple[str, Any]]:
    """A task for each asset of ``job``, each given the result of the one before."""
    import ray

    before = None
    for asset in job.assets:
        gpus, cpus = _resources(asset, project)
        there = _for_worker(project, gpus, cpus)
        task: Any = ray.remote(_make_there)
        before = task.options(
            name=f"{asset} {job.key}", num_gpus=gpus, num_cpus=cpus, max_retries=LOST_WORKERS,
            retry_exceptions=[TransientError],
        ).remote(asset, job.key, there, asset in job.there, before)  # fmt: skip
        yield asset, before


def _resources(asset: str, project: Project) -> tuple[float, int]:
    """The GPUs and CPUs that a task takes."""
    if asset == "rollout_shards":
        return project.orchestration.shard_gpus, project.orchestration.shard_cpus
    return project.orchestration.label_gpus, project.orchestration.label_cpus


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
    asset: str, key: ShardKey, project: Project, there: bool, before: Made | NcaError | None
) -> Made | NcaError | None:
    """What a worker does; nothing if what comes ``before`` in the partition failed."""
    if before is not None and not _succeeded(before):
        return None
    import ray

    outcome = _outcome(lambda: make(asset, key, project, unwatched, there))
    if isinstance(outcome, Made) and outcome.version:
        node = ray.get_runtime_context().get_node_id()
        return replace(outcome, metadata=outcome.metadata | {"Ray node": node})
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
