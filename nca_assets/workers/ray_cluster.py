"""The connection to a Ray cluster, its resources, and the version of its workers' code."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.metadata import version as installed_version
from pathlib import Path

import nca_assets
from nca_assets.errors import NcaError, TransientError
from nca_assets.project import Project
from nca_assets.workers.stages import Stage


class OtherVersionError(NcaError):
    """A worker's code differs from the run's."""


@contextmanager
def connected(address: str) -> Iterator[None]:
    """A connection to the cluster at ``address``. Raises ``TransientError`` if it can't be reached."""
    import ray

    try:
        logging.getLogger("ray").setLevel(logging.WARNING)
        ray.init(address, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise TransientError(
            f"the Ray cluster at NCA_RAY={address} can't be reached ({str(error).splitlines()[0][:200]}): start it, or "
            "unset NCA_RAY to work on this machine"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def with_gpus(project: Project) -> Project:
    """The project with ``shard_gpus`` set: by default 1 if any node has a GPU, else 0."""
    if project.orchestration.shard_gpus is not None:
        return project
    gpus = 1 if any(node.get("GPU", 0) >= 1 for node in _nodes()) else 0
    return replace(project, orchestration=project.orchestration.model_copy(update={"shard_gpus": gpus}))


def require_room(stages: Iterable[Stage], project: Project) -> None:
    """Raise ``NcaError`` if one of ``stages`` needs more than any node has, and none will be added."""
    settings, nodes = project.orchestration, _nodes()
    for stage in stages:
        gpus, cpus = stage.room(settings)
        if settings.ray_autoscales or any(_has(node, gpus, cpus) for node in nodes):
            continue
        shapes = sorted({f"{node.get('GPU', 0):g} and {node.get('CPU', 0):g}" for node in nodes})
        raise NcaError(
            f"{stage.name} asks for {gpus:g} GPUs and {cpus} CPUs of one node, but the nodes of NCA_RAY={settings.ray} "
            f"have {', '.join(shapes)}: lower NCA_SHARD_GPUS, NCA_SHARD_CPUS or NCA_LABEL_CPUS, or set "
            "NCA_RAY_AUTOSCALES=true if the cluster adds nodes on demand"
        )


def _has(node: Mapping[str, float], gpus: float, cpus: float) -> bool:
    return node.get("GPU", 0) >= gpus and node.get("CPU", 0) >= cpus


def _nodes() -> list[dict[str, float]]:
    """The resources of each node."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


@cache
def code_version() -> str:
    """The release and a digest of this package's sources, like 0.1.0+3f2a9c81."""
    package, digest = Path(nca_assets.__file__).parent, sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return f"{installed_version('nca-assets')}+{digest.hexdigest()[:8]}"


def require_version(version: str) -> None:
    """Raise ``OtherVersionError`` if this worker's code differs from the run's ``version``."""
    import ray

    if (here := code_version()) != version:
        node = ray.util.get_node_ip_address()
        raise OtherVersionError(
            f"the Ray worker on {node} has nca-assets {here}, this run {version}: install the same on both"
        )
