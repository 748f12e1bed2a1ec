"""Labeling a shard by its tokens and, if it is native, by its recipes too; also in one pass with simulating it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.fixed_point import WEIGHT_ONE
from nca_assets.automaton.recipe import MAX_NOISE, Rule
from nca_assets.data_folder import DataFolder
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.labels.curves import Curves
from nca_assets.labels.damage import REPLICA_FRAMES, flip_in_the_middle
from nca_assets.labels.metrics import Value, measure, measure_simulated
from nca_assets.labels.parts import LabelPart, write_parts
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Resources
from nca_assets.shards.manifest import Manifest, Member, read_manifest
from nca_assets.shards.read import read_rollouts
from nca_assets.shards.recipes import require_current_inputs
from nca_assets.shards.write import Making
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION
from nca_assets.vocabulary.centroids import load_centroids

Rollouts = Iterable[tuple[Member, NDArray[np.uint8]]]
Labels = tuple[dict[str, Value], Curves]
Labelled = tuple[Member, Labels]


def write_labels(
    key: ShardKey, data: DataFolder, resources: Resources, progress: Progress = unwatched, *, keep_curves: bool = True
) -> LabelPart:
    """Label every rollout of shard ``key`` and write its parts; for an imported one, metrics that need a recipe are
    null. Rollouts whose tokens are not kept are simulated.

    ``progress`` is called with the rollouts done and the total. Raises ``NcaError`` naming shard and rollout if the
    shard is missing or damaged, or of another recipe or vocabulary; older parts then stay.
    """
    manifest = read_manifest(key, data)
    if not key.imported:
        require_current_inputs(key, manifest, load_centroids(data))
    rows = _Rows(key, progress, len(manifest.members))
    rows.label(read_rollouts(key, data, manifest, resources), data, resources)
    return rows.write(manifest, data, keep_curves)


def write_labelled_shard(
    key: ShardKey, data: DataFolder, resources: Resources, progress: Progress = unwatched, *, keep_curves: bool = True
) -> Manifest:
    """Simulate and label the rollouts of native shard ``key`` in one pass, and write its manifest and labels, but no
    tokens.

    Otherwise like ``write_labels``.
    """
    centroids = load_centroids(data)
    making = Making(key, centroids, data, resources)
    rows = _Rows(key, progress, len(data.rollout_indices(key)))
    for member, labels in making.with_replicas(REPLICA_FRAMES, flip_in_the_middle, _labeling(centroids)):
        rows.add(member, *labels)
    manifest = making.finish()
    rows.write(manifest, data, keep_curves)
    return manifest


class _Rows:
    """The rows of a shard's label parts."""

    def __init__(self, key: ShardKey, progress: Progress, total: int) -> None:
        self.key, self.progress, self.total = key, progress, total
        self.labels: list[dict[str, Any]] = []
        self.curves: list[dict[str, Any]] = []

    def label(self, rollouts: Rollouts, data: DataFolder, resources: Resources) -> None:
        """Add a row for each of ``rollouts``."""
        for member, labels in label_rollouts(self.key, rollouts, data, resources):
            self.add(member, *labels)

    def add(self, member: Member, metrics: dict[str, Value], curve: Curves) -> None:
        """Add a row."""
        identity = _identity(self.key, member)
        recipe_version = None if self.key.imported else RECIPE_VERSION
        self.labels.append(identity | {"recipe_version": recipe_version} | metrics)
        self.curves.append(_curves(identity, curve))
        self.progress(len(self.labels), self.total)

    def write(self, manifest: Manifest, data: DataFolder, keep_curves: bool) -> LabelPart:
        """Write the parts, of the shard with this ``manifest``."""
        made_from = {
            "shard_digest": manifest.digest,
            "recipe_version": manifest.recipe_version,
            "centroids_digest": manifest.centroids_digest,
        }
        made_from = {name: str(value) for name, value in made_from.items() if value is not None}
        return write_parts(self.key, data, self.labels, self.curves, made_from, keep_curves)


def label_rollouts(key: ShardKey, rollouts: Rollouts, data: DataFolder, resources: Resources) -> Iterator[Labelled]:
    """Metrics and curves of each rollout of a shard, in order; for native ones also the recipe's scalars, and metrics
    of their states and of their replicas, which are simulated alongside."""
    if key.imported:
        yield from ((member, measure(tokens)) for member, tokens in rollouts)
        return
    centroids = load_centroids(data)
    waiting: dict[int, tuple[Member, NDArray[np.uint8]]] = {}

    def rules() -> Iterator[Rule]:
        for member, tokens in rollouts:
            waiting[member.index] = member, tokens
            yield data.rule(key.set, member.index)

    labels = _labeling(centroids)

    def label(rule: Rule, replica: NDArray[np.uint8]) -> Labelled:
        member, tokens = waiting.pop(rule.scalars.index)
        return member, labels(rule, tokens, replica)

    yield from simulate_each(rules(), centroids, REPLICA_FRAMES, choose_machine(resources), label, flip_in_the_middle)


def _labeling(centroids: Tensor) -> Callable[[Rule, NDArray[np.uint8], NDArray[np.uint8]], Labels]:
    """The labels of a native rollout by its rule, its tokens and its replica's."""

    def label(rule: Rule, tokens: NDArray[np.uint8], replica: NDArray[np.uint8]) -> Labels:
        metrics, curves = measure_simulated(rule, tokens, replica, centroids)
        return _recipe(rule) | metrics, curves

    return label


def _identity(key: ShardKey, member: Member) -> dict[str, Value]:
    return {
        "rollout_id": str(RolloutId(key.set, member.index)),
        "set_name": key.set,
        "rollout_index": member.index,
        "shard": key.number,
        "height": member.height,
        "width": member.width,
        "frames": member.frames,
        "digest": member.digest,
        "label_version": LABEL_VERSION,
    }


def _recipe(rule: Rule) -> dict[str, Value]:
    return {
        "family": rule.scalars.family,
        "start": rule.start.kind,
        "residual_scale": 2.0**-rule.scalars.residual_shift,
        "leak": rule.scalars.leak / WEIGHT_ONE,
        "noise": MAX_NOISE * 2.0**-rule.scalars.noise_shift,
    }


def _curves(identity: dict[str, Value], curve: Curves) -> dict[str, Any]:
    cells = int(identity["height"] or 0) * int(identity["width"] or 0)
    return (
        {name: identity[name] for name in ("rollout_id", "set_name", "rollout_index")} | {"cells": cells} | vars(curve)
    )
