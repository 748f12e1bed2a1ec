"""The stages of a partition: a shard is simulated, then labeled, and each is checked as it lies on disk.

Not here: the process that does it (``choose``), and the run that reports it (``orchestration``).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.progress import Progress
from nca_assets.project import Project
from nca_assets.settings import Orchestration
from nca_assets.workers.checks import LABEL_CHECKS, SHARD_CHECKS, Check, Verdict, evaluate

SHEET_ROLLOUTS = 6
"""Rollouts on the contact sheet, kept few: every materialization stores its picture in Dagster's event log."""

Facts = Mapping[str, Any]
"""Plain values by name: numbers, text, paths, a PNG as bytes, counts as a dictionary."""


@dataclass(frozen=True)
class Made:
    """The outcome of a stage: data version and facts, unless it was only checked, and the verdicts of its checks."""

    version: str | None
    facts: Facts
    verdicts: Mapping[str, Verdict]

    @property
    def sound(self) -> bool:
        """Whether every check passed."""
        return all(verdict.passed for verdict in self.verdicts.values())


@dataclass(frozen=True)
class Stage:
    """One asset of a partition: its name, the function that makes it, its checks, and its GPUs and CPUs on Ray."""

    name: str
    work: Callable[[ShardKey, Project, Progress], tuple[str, Facts]]
    checks: Mapping[str, Check]
    room: Callable[[Orchestration], tuple[float, int]]

    def make(self, key: ShardKey, project: Project, progress: Progress, there: bool = False) -> Made | NcaError:
        """Make partition ``key`` and check it or, if it is ``there``, only check it. An ``NcaError`` is returned."""
        try:
            version, facts = (None, {}) if there else self.work(key, project, progress)
        except NcaError as error:
            return error
        return Made(version, facts, {name: evaluate(check, key, project) for name, check in self.checks.items()})


@dataclass(frozen=True)
class Job:
    """A partition to make: its stages in order, and the names of those that are there and only to be checked."""

    key: ShardKey
    stages: tuple[Stage, ...]
    there: frozenset[str] = frozenset()


Outcome = tuple[Job, Stage, Made | NcaError]
"""A job, one of its stages, and the result; stages after one that failed are left out."""


def succeeded(result: Made | NcaError | None) -> bool:
    """Whether the next stage can begin."""
    return isinstance(result, Made) and result.sound


def simulate_shard(key: ShardKey, project: Project, progress: Progress) -> tuple[str, Facts]:
    """Write a shard of a set that follows from recipes. Raises ``NcaError``."""
    from nca_assets.figures.contact_sheet import contact_sheet
    from nca_assets.figures.palette import colored, colors_of
    from nca_assets.shards.read import read_rollouts
    from nca_assets.shards.write import write_shard
    from nca_assets.vocabulary.centroids import load_centroids

    manifest = write_shard(key, load_centroids(project.data), project.data, project.resources, progress)
    every = max(1, len(manifest.members) // SHEET_ROLLOUTS)
    shown = manifest.model_copy(update={"members": manifest.members[::every][:SHEET_ROLLOUTS]})
    colors = colors_of(key.set, project.data)
    sheet = contact_sheet(
        [colored(tokens, colors) for _, tokens in read_rollouts(key, project.data, shown)],
        frames=(manifest.frames // 8, manifest.frames - 1),
    )
    return manifest.digest, {
        "contact sheet": sheet,
        "dagster/partition_row_count": len(manifest.members),
        "tokens": manifest.tokens,
        "bytes": manifest.file_bytes,
        "bytes per token": manifest.file_bytes / manifest.tokens,
        "tokens per second": manifest.tokens / manifest.seconds,
        "seconds": manifest.seconds,
        "device": manifest.device,
        "digest": manifest.digest,
        "path": project.data.tokens_file(key),
    }


def label_shard(key: ShardKey, project: Project, progress: Progress) -> tuple[str, Facts]:
    """Label a shard, own or imported. Raises ``NcaError``."""
    from nca_assets.labels.behavior import CLASSES
    from nca_assets.labels.write import write_labels

    started = time.perf_counter()
    part = write_labels(key, project.data, project.resources, progress)
    counts = dict(part.rows["behavior"].value_counts(sort=True).iter_rows())
    return part.digest, {
        "behaviors": counts,
        # Numbers, which the UI plots over time.
        **{f"share {name}": counts.get(name, 0) / len(part.rows) for name in CLASSES},
        "dagster/partition_row_count": len(part.rows),
        "bytes": part.file.stat().st_size,
        "seconds": time.perf_counter() - started,
        "digest": part.digest,
        "path": part.file,
    }


def _shard_room(settings: Orchestration) -> tuple[float, int]:
    return settings.shard_gpus or 0, settings.shard_cpus


def _label_room(settings: Orchestration) -> tuple[float, int]:
    return 0, settings.label_cpus


SHARDS = Stage("rollout_shards", simulate_shard, SHARD_CHECKS, _shard_room)
LABELS = Stage("behavior_labels", label_shard, LABEL_CHECKS, _label_room)
