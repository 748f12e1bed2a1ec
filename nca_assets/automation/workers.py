"""Making the partitions of a run: one after another in this process or, if ``NCA_RAY`` is set, on a Ray cluster.

On Ray each asset of a partition is a separate task, with GPUs and CPUs from the settings. Ray places tasks where there
is room, and repeats the tasks of lost workers elsewhere.
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

MAX_RETRIES = 4
"""Retries of a task whose worker was lost."""

MAX_SILENCE_S = 30.0
"""Seconds without a result after which a line is logged."""


@dataclass(frozen=True)
class Job:
    """A partition to make: its assets, and the subset already ``there``, to be checked only."""

    key: ShardKey
    assets: Sequence[str]
    there: frozenset[str] = frozenset()


Outcome = tuple[Job, str, Made | NcaError]
"""A job, one of its assets, and the result. After a failed asset the rest of the job is omitted."""


def make_all(jobs: Sequence[Job], project: Project, context: dg.AssetExecutionContext) -> Iterator[Outcome]:
    """Make every partition, yielding each asset as it finishes. Raises ``NcaError`` if Ray can't be reached."""
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
                    line = f"{len(waiting)} tasks running or waiting for room on {project.orchestration.ray}"
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
                with suppress(Exception):  # the task may have ended, or the cluster be gone
                    ray.cancel(task)


def _submit(job: Job, project: Project) -> Iterator[tuple[str, Any]]:
    """A task for each asset of ``job``, each taking the previous one's result."""
    import ray

    before = None
    for asset in job.assets:
        gpus, cpus = _resources(asset, project)
        task: Any = ray.remote(_make_on_worker)
        before = task.options(
            name=f"{asset} {job.key}", num_gpus=gpus, num_cpus=cpus, max_retries=MAX_RETRIES,
            retry_exceptions=[TransientError],
        ).remote(asset, job.key, _for_worker(project, gpus, cpus), asset in job.there, before)  # fmt: skip
        yield asset, before


def _resources(asset: str, project: Project) -> tuple[float, int]:
    """GPUs and CPUs of a task."""
    if asset == "rollout_shards":
        return project.orchestration.shard_gpus, project.orchestration.shard_cpus
    return project.orchestration.label_gpus, project.orchestration.label_cpus


def _for_worker(project: Project, gpus: float, cpus: int) -> Project:
    """The project for a worker with these GPUs and CPUs and a different working folder."""
    dataset = {"data": project.dataset.data.absolute()}
    resources = {"threads": cpus, "device": project.resources.device if gpus else "cpu"}
    return Project(
        project.dataset.model_copy(update=dataset),
        project.resources.model_copy(update=resources),
        project.orchestration.model_copy(update={"ray": ""}),
    )


def _make_on_worker(
    asset: str, key: ShardKey, project: Project, there: bool, before: Made | NcaError | None
) -> Made | NcaError | None:
    """A worker's task; None if the partition's previous asset failed."""
    if before is not None and not _succeeded(before):
        return None
    import ray

    outcome = _outcome(lambda: make(asset, key, project, unwatched, there))
    if isinstance(outcome, Made) and outcome.version:
        node = ray.get_runtime_context().get_node_id()
        return replace(outcome, metadata=outcome.metadata | {"Ray node": node})
    if isinstance(outcome, TransientError):
        raise outcome  # Ray retries it
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
            f"{job.key}: Ray lost its worker {MAX_RETRIES + 1} times, or could not start it "
            f"({type(error).__name__}: {str(error).splitlines()[0][:200]}). Check the cluster, then make it again."
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
