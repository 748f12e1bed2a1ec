"""Several workers at once: each stage goes to the first that is free, and the result decides on the partition's next.

Not here: the workers, which are processes (``processes``) or a Ray cluster's (``on_ray``).
"""

from collections.abc import Generator, Sequence
from typing import Protocol

from nca_assets.progress import Progress
from nca_assets.workers.stages import Job, Outcome, Stage, succeeded


class Workers(Protocol):
    """Workers that take stages as they become free."""

    def submit(self, job: Job, stage: Stage) -> None:
        """Queue a stage; the later ones of a partition that has begun come first."""
        ...

    def results(self) -> list[Outcome]:
        """Wait for results, and return those that have come."""
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
