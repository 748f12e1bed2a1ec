"""Partitions on several workers at once; a partition's next stage is queued when the one before has succeeded.

Not here: the workers themselves (``processes``, ``on_ray``).
"""

from collections import deque
from collections.abc import Generator, Sequence
from typing import Protocol

from nca_assets.progress import Progress
from nca_assets.workers.stages import Job, Outcome, Stage, succeeded

Queue = deque[tuple[Job, Stage]]


def enqueue(waiting: Queue, job: Job, stage: Stage) -> None:
    """Queue a stage, ahead of others if its partition has begun."""
    if stage is job.stages[0]:
        waiting.append((job, stage))
    else:
        waiting.appendleft((job, stage))


class Workers(Protocol):
    """Workers that share a queue of stages."""

    def submit(self, job: Job, stage: Stage) -> None:
        """Queue a stage, by ``enqueue``."""
        ...

    def results(self) -> list[Outcome]:
        """Wait for results, and return those available."""
        ...


def make_with(workers: Workers, jobs: Sequence[Job], progress: Progress) -> Generator[Outcome, None, None]:
    """Make every partition, and give each stage as it is done; progress is in partitions."""
    for job in jobs:
        workers.submit(job, job.stages[0])
    done = 0
    while done < len(jobs):
        for job, stage, result in workers.results():
            after = job.stages[job.stages.index(stage) + 1 :]
            if after and succeeded(result):
                workers.submit(job, after[0])
            else:
                done += 1
                progress(done, len(jobs))
            yield job, stage, result
