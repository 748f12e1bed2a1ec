"""This process as the only worker: partitions one after the other."""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager

from nca_assets.progress import Progress
from nca_assets.project import Project
from nca_assets.workers.stages import Job, Outcome, succeeded

Watch = Callable[[str, str], AbstractContextManager[Progress]]
"""From a title and a unit to progress that a person sees."""


def make_all(jobs: Sequence[Job], project: Project, watch: Watch) -> Generator[Outcome, None, None]:
    """Make every partition, and give each stage as it is done."""
    for number, job in enumerate(jobs, start=1):
        name = f"{job.key} ({number} of {len(jobs)})" if len(jobs) > 1 else str(job.key)
        for stage in job.stages:
            with watch(f"{stage.name} {name}", "rollouts") as progress:
                result = stage.make(job.key, project, progress, stage.name in job.there)
            yield job, stage, result
            if not succeeded(result):
                break
