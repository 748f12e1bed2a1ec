"""Stages that say where they ran, as they would with CUDA: a process keeps the device that it saw first."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from nca_assets.errors import DeviceError, NcaError, TransientError
from nca_assets.ids import ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.project import Project
from nca_assets.workers.stages import SHARDS, Artifact, Job, Made, Outcome

Facts = Mapping[str, Any]
Work = Callable[[ShardKey, Project, Progress], Artifact]

FIRST_DEVICE: list[str | None] = []


def note_device(key: ShardKey, project: Project, progress: Progress) -> Artifact:  # noqa: ARG001
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    FIRST_DEVICE.append(given)
    began = time.time()
    time.sleep(0.02 + key.number * 37 % 7 / 100)
    return Artifact(str(key), "1", {}, {
        "given": given, "used": FIRST_DEVICE[0], "process": os.getpid(), "threads": project.resources.threads,
        "began": began, "ended": time.time(),
    })  # fmt: skip


def note_slowly(key: ShardKey, project: Project, progress: Progress) -> Artifact:
    time.sleep(3 if key.number == 0 else 0)
    return note_device(key, project, progress)


def sleep_long(key: ShardKey, project: Project, progress: Progress) -> Artifact:
    (_folder(project) / f"{key}-{os.getpid()}").touch()
    time.sleep(600)
    return note_device(key, project, progress)


def die_at_three(key: ShardKey, project: Project, progress: Progress) -> Artifact:
    if key.number == 3:
        os._exit(9)
    return note_device(key, project, progress)


def die_always(key: ShardKey, project: Project, progress: Progress) -> Artifact:  # noqa: ARG001
    os._exit(9)


def die_once(key: ShardKey, project: Project, progress: Progress) -> Artifact:
    if key.number == 3 and _first_time(project):
        os._exit(9)
    return note_device(key, project, progress)


def fail_once(key: ShardKey, project: Project, progress: Progress) -> Artifact:
    if key.number == 3 and _first_time(project):
        raise TransientError("the storage is busy")
    return note_device(key, project, progress)


def fail_on_a_broken_gpu(key: ShardKey, project: Project, progress: Progress) -> Artifact:
    """The process that is the first to make shard 3 has lost its GPU from then on."""
    if key.number == 3 and _first_time(project):
        FIRST_DEVICE[:] = ["broken"]
    if FIRST_DEVICE[:1] == ["broken"]:
        raise DeviceError("cuda failed")
    return note_device(key, project, progress)


def make_a_mistake(key: ShardKey, project: Project, progress: Progress) -> Artifact:  # noqa: ARG001
    raise ZeroDivisionError("a mistake")


def _first_time(project: Project) -> bool:
    try:
        (_folder(project) / "once").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _folder(project: Project) -> Path:
    assert isinstance(project.dataset.data, Path)
    return project.dataset.data


def jobs(count: int, work: Work = note_device) -> list[Job]:
    """Partitions of which ``work`` is all."""
    stage = replace(SHARDS, work=work, checks={})
    return [Job(ShardKey("set1", number), (stage,)) for number in range(count)]


def facts(outcomes: Sequence[Outcome]) -> list[Facts]:
    """What was noted where, of outcomes that all succeeded."""
    made = [result for _, _, result in outcomes if isinstance(result, Made)]
    assert len(made) == len(outcomes), [result for _, _, result in outcomes if isinstance(result, NcaError)]
    return [result.artifact.facts for result in made if result.artifact]


@contextmanager
def unseen(what: str, unit: str) -> Iterator[Progress]:  # noqa: ARG001
    yield unwatched


def on_ray(project: Project, address: str, **settings: object) -> Project:
    """The project with a cluster, and one CPU a stage."""
    room = {"ray": address, "shard_cpus": 1, "label_cpus": 1, **settings}
    return replace(project, orchestration=project.orchestration.model_copy(update=room))


def drive(address: str, count: str) -> None:
    """A run of its own process, which prints what was noted."""
    from nca_assets.workers import on_ray as workers

    project = on_ray(Project.load(), address, shard_gpus=1)
    print(json.dumps(facts(list(workers.make_all(jobs(int(count)), project, unseen)))))


def require_own_devices(notes: list[Facts]) -> None:
    """Every stage used the device that Ray gave it, and no two used one at the same time."""
    assert [note["used"] for note in notes] == [note["given"] for note in notes]
    for device in {note["used"] for note in notes}:
        spans = sorted((note["began"], note["ended"]) for note in notes if note["used"] == device)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


def require_busy_devices(notes: list[Facts]) -> None:
    """No device was free for a second while a shard waited."""
    last_began = max(note["began"] for note in notes)
    for device in {note["used"] for note in notes}:
        spans = sorted((note["began"], note["ended"]) for note in notes if note["used"] == device)
        waits = [after[0] - before[1] for before, after in pairwise(spans)] + [last_began - spans[-1][1]]
        assert max(waits) < 1
