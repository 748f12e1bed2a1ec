"""The choice of the workers for a run."""

from collections.abc import Generator, Sequence

from nca_assets.project import Project
from nca_assets.workers import local, on_ray, processes
from nca_assets.workers.local import Watch
from nca_assets.workers.stages import Job, Outcome


def make_all(jobs: Sequence[Job], project: Project, watch: Watch) -> Generator[Outcome, None, None]:
    """Make every partition, and give each stage as it is done: on the Ray cluster if the settings name one, else in a
    process for each of several GPUs, else in this process.

    Raises ``NcaError`` if the device does not exist, or the cluster can't be used.
    """
    from nca_assets.automaton.device import cuda_devices, require_device

    if project.orchestration.ray:
        return on_ray.make_all(jobs, project, watch)
    require_device(project.resources.device)
    devices = cuda_devices(project.resources.device)
    if len(devices) > 1 and len(jobs) > 1:
        return processes.make_all(jobs, project, watch, devices)
    return local.make_all(jobs, project, watch)
