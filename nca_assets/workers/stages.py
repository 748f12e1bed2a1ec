"""The stages of a partition: a shard is simulated, then labeled, and each is checked as it lies on disk.

Not here: the process that does it (``choose``), and the run that reports it (``orchestration``).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.progress import Progress
from nca_assets.project import Project
from nca_assets.settings import Orchestration, Resources
from nca_assets.versions import IMPORT_CODE, labels_code, shards_code
from nca_assets.workers.checks import LABEL_CHECKS, SHARD_CHECKS, Check, Verdict, evaluate

if TYPE_CHECKING:
    from nca_assets.shards.manifest import Manifest

SHEET_ROLLOUTS = 6
"""Rollouts on the contact sheet, kept few: every materialization stores its picture in Dagster's event log."""


@dataclass(frozen=True)
class Artifact:
    """A shard or a label part on disk, by its own manifest or metadata.

    ``version`` is the digest of its content, ``code`` the versions that shaped it, ``inputs`` the digests of its inputs
    by asset. ``facts`` are plain values: numbers, text, paths, a PNG as bytes, counts.
    """

    version: str
    code: str
    inputs: Mapping[str, str]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Made:
    """The outcome of a stage: what was made, None if it was only checked, and the verdicts of its checks."""

    artifact: Artifact | None
    verdicts: Mapping[str, Verdict]

    @property
    def sound(self) -> bool:
        """Whether every check passed."""
        return all(verdict.passed for verdict in self.verdicts.values())


@dataclass(frozen=True)
class Stage:
    """One asset of a partition: how it is made, how it is found on disk, its checks, and its GPUs and CPUs on Ray."""

    name: str
    work: Callable[[ShardKey, Project, Progress], Artifact]
    found: Callable[[ShardKey, DataFolder], Artifact]
    checks: Mapping[str, Check]
    room: Callable[[Orchestration], tuple[float, int]]

    def make(self, key: ShardKey, project: Project, progress: Progress, there: bool = False) -> Made | NcaError:
        """Make partition ``key`` and check it or, if it is ``there``, only check it. An ``NcaError`` is returned."""
        try:
            artifact = None if there else self.work(key, project, progress)
            return Made(artifact, {name: evaluate(check, key, project) for name, check in self.checks.items()})
        except NcaError as error:
            return error


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


def keeps_tokens(key: ShardKey, project: Project) -> bool:
    """Whether shard ``key`` is to keep its tokens: as it does if it exists, else by the settings."""
    from nca_assets.shards.manifest import read_manifest

    try:
        return read_manifest(key, project.data).tokens_kept
    except DamageError:
        return project.orchestration.keeps_tokens(key)


def in_one_pass(stages: "tuple[Stage, ...]", key: ShardKey, project: Project) -> "tuple[Stage, ...]":
    """``stages`` of a partition to make, as one pass if a shard is to be labeled whose tokens are not kept."""
    if [stage.name for stage in stages] != [SHARDS.name, LABELS.name] or keeps_tokens(key, project):
        return stages
    shard, labels = stages
    return replace(shard, work=simulate_and_label), replace(labels, work=take_labels)


def simulate_shard(key: ShardKey, project: Project, progress: Progress) -> Artifact:
    """Write a shard of a set that follows from recipes. Raises ``NcaError``."""
    from nca_assets.shards.write import write_shard
    from nca_assets.vocabulary.centroids import load_centroids

    centroids, keep = load_centroids(project.data), keeps_tokens(key, project)
    manifest = write_shard(key, centroids, project.data, project.resources, progress, keep=keep)
    return _with_sheet(key, manifest, project)


def simulate_and_label(key: ShardKey, project: Project, progress: Progress) -> Artifact:
    """Write a shard without its tokens, and its labels. Raises ``NcaError``."""
    from nca_assets.labels.write import write_labelled_shard

    keep_curves = project.orchestration.keeps_curves(key)
    manifest = write_labelled_shard(key, project.data, project.resources, progress, keep_curves=keep_curves)
    return _with_sheet(key, manifest, project)


def take_labels(key: ShardKey, project: Project, progress: Progress) -> Artifact:  # noqa: ARG001
    """The labels that were written with the shard. Raises ``DamageError``."""
    return find_labels(key, project.data)


def register_shard(source: str, key: ShardKey, project: Project, progress: Progress) -> Artifact:  # noqa: ARG001
    """Register the imported file at ``source``, by default the one registered before. Raises ``NcaError``."""
    from nca_assets.shards.imported import register
    from nca_assets.store.location import parse_location

    return _of_manifest(register(key, parse_location(source) if source else None, project.data), project.data)


def find_shard(key: ShardKey, data: DataFolder) -> Artifact:
    """A shard, own or imported, as its manifest describes it. Raises ``DamageError``."""
    from nca_assets.shards.manifest import read_manifest

    return _of_manifest(read_manifest(key, data), data)


def label_shard(key: ShardKey, project: Project, progress: Progress) -> Artifact:
    """Label a shard, own or imported. Raises ``NcaError``."""
    from nca_assets.labels.write import write_labels

    started = time.perf_counter()
    keep_curves = project.orchestration.keeps_curves(key)
    write_labels(key, project.data, project.resources, progress, keep_curves=keep_curves)
    seconds = time.perf_counter() - started
    made = find_labels(key, project.data)
    return replace(made, facts={**made.facts, "seconds": seconds})


def find_labels(key: ShardKey, data: DataFolder) -> Artifact:
    """A label part, of an own or imported shard, as its metadata describe it. Raises ``DamageError``."""
    from nca_assets.labels.names import CLASSES
    from nca_assets.labels.table import read_table
    from nca_assets.remedies import relabel

    file = data.labels_file(key)
    rows, lineage = read_table(file, data, relabel(key), columns=["behavior"])
    counts = dict(rows["behavior"].value_counts(sort=True).iter_rows())
    inputs = {key.shards_asset: lineage["shard_digest"]}
    if not key.imported:
        inputs["centroids"] = lineage["centroids_digest"]
    code = labels_code(int(lineage["label_version"]), None if key.imported else int(lineage["recipe_version"]))
    return Artifact(lineage["digest"], code, inputs, {
        "behaviors": counts,
        # Numbers, which the UI plots over time.
        **{f"share {name}": counts.get(name, 0) / len(rows) for name in CLASSES},
        "dagster/partition_row_count": len(rows),
        "bytes": file.stat().st_size,
        "digest": lineage["digest"],
        "path": file,
    })  # fmt: skip


def _of_manifest(manifest: "Manifest", data: DataFolder) -> Artifact:
    kept, key = manifest.tokens_kept, ShardKey(manifest.set, manifest.shard)
    facts = {
        "dagster/partition_row_count": len(manifest.members),
        "tokens": manifest.tokens,
        "token file": "kept" if kept else "dropped",
        "bytes": manifest.file_bytes,
        "bytes per token": manifest.file_bytes / manifest.tokens,
        "tokens per second": manifest.tokens / manifest.seconds,
        "seconds": manifest.seconds,
        "digest": manifest.digest,
        "path": manifest.tokens_file(data) if kept else data.manifest_file(key),
    }
    if manifest.recipe_version is None or manifest.centroids_digest is None:
        return Artifact(manifest.digest, IMPORT_CODE, {}, facts)
    inputs = {"centroids": manifest.centroids_digest}
    return Artifact(manifest.digest, shards_code(manifest.recipe_version), inputs, {**facts, "device": manifest.device})


def _with_sheet(key: ShardKey, manifest: "Manifest", project: Project) -> Artifact:
    made = _of_manifest(manifest, project.data)
    sheet = _contact_sheet(key, manifest, project.data, project.resources)
    return replace(made, facts={"contact sheet": sheet, **made.facts})


def _contact_sheet(key: ShardKey, manifest: "Manifest", data: DataFolder, resources: Resources) -> bytes:
    from nca_assets.figures.palette import colored, colors_of
    from nca_assets.figures.sheet import contact_sheet
    from nca_assets.shards.read import read_rollouts

    every = max(1, len(manifest.members) // SHEET_ROLLOUTS)
    shown = manifest.model_copy(update={"members": manifest.members[::every][:SHEET_ROLLOUTS]})
    colors = colors_of(key.set, data)
    rollouts = [colored(tokens, colors) for _, tokens in read_rollouts(key, data, shown, resources)]
    names = [str(RolloutId(key.set, member.index)) for member in shown.members]
    return contact_sheet(rollouts, (manifest.frames // 8, manifest.frames - 1), names)


def _shard_room(settings: Orchestration) -> tuple[float, int]:
    return settings.shard_gpus or 0, settings.shard_cpus


def _label_room(settings: Orchestration) -> tuple[float, int]:
    return 0, settings.label_cpus


SHARDS = Stage("rollout_shards", simulate_shard, find_shard, SHARD_CHECKS, _shard_room)
LABELS = Stage("behavior_labels", label_shard, find_labels, LABEL_CHECKS, _label_room)
IMPORTED_LABELS = replace(LABELS, name="imported_labels")


def imported_shards(source: str = "") -> Stage:
    """The stage that registers a file of other people's tokens, by default the one registered before."""
    checks = {"tokens_in_range": SHARD_CHECKS["tokens_in_range"]}
    return Stage("imported_shards", partial(register_shard, source), find_shard, checks, _label_room)


STAGES: tuple[Stage, ...] = (SHARDS, LABELS, imported_shards(), IMPORTED_LABELS)
"""All stages, by which what lies on disk is known."""
