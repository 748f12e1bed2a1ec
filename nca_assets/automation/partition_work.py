"""Making one partition of either asset: simulate or label the shard, then check the files on disk.

Independent of runs, so it can be done in any process on any machine. Not here: distribution (``workers``) and
reporting (``assets/rollouts``).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from nca_assets.automation.reporting import inline_picture, label_metadata
from nca_assets.automation.shard_checks import LABEL_CHECKS, SHARD_CHECKS, Check, Verdict, evaluate
from nca_assets.ids import ShardKey
from nca_assets.progress import Progress
from nca_assets.project import Project

SHEET_ROLLOUTS = 6
"""Rollouts on the contact sheet; few, since every materialization stores its picture in Dagster's event log."""


@dataclass(frozen=True)
class Made:
    """A partition of an asset: data version (None if already there) and metadata, and the verdicts of its checks."""

    version: str | None
    metadata: dict[str, object]
    verdicts: Mapping[str, Verdict]

    @property
    def sound(self) -> bool:
        """Whether every check passed."""
        return all(verdict.passed for verdict in self.verdicts.values())


def make(asset: str, key: ShardKey, project: Project, progress: Progress, there: bool = False) -> Made:
    """Make and check partition ``key`` of ``asset``; only check it if it is already ``there``. Raises ``NcaError``."""
    work, checks = WORK[asset]
    version, metadata = (None, {}) if there else work(key, project, progress)
    return Made(version, metadata, {name: evaluate(check, key, project) for name, check in checks.items()})


def _make_shard(key: ShardKey, project: Project, progress: Progress) -> tuple[str, dict[str, object]]:
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
        "contact sheet": inline_picture(sheet),
        "dagster/partition_row_count": len(manifest.members),
        "tokens": manifest.tokens,
        "bytes": manifest.file_bytes,
        "bytes per token": manifest.file_bytes / manifest.tokens,
        "tokens per second": manifest.tokens / manifest.seconds,
        "seconds": manifest.seconds,
        "device": manifest.device,
        "digest": manifest.digest,
        "path": dg.MetadataValue.path(str(project.data.tokens_file(key))),
    }


def label_shard(key: ShardKey, project: Project, progress: Progress) -> tuple[str, dict[str, Any]]:
    """Label a shard, native or imported; returns the data version and metadata. Raises ``NcaError``."""
    from nca_assets.labels.write import write_labels

    started = time.perf_counter()
    part = write_labels(key, project.data, project.resources, progress)
    return part.digest, label_metadata(part, time.perf_counter() - started)


Work = Callable[[ShardKey, Project, Progress], tuple[str, dict[str, object]]]

WORK: dict[str, tuple[Work, Mapping[str, Check]]] = {
    "rollout_shards": (_make_shard, SHARD_CHECKS),
    "behavior_labels": (label_shard, LABEL_CHECKS),
}
"""Work and checks by asset, in the order in which a partition's assets are made."""
