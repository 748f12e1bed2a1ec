"""Labeling a shard by its tokens and, if it is native, by its recipes too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.fixed_point import WEIGHT_ONE
from nca_assets.automaton.recipe import MAX_NOISE, Rule
from nca_assets.data_folder import DataFolder
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.labels.curves import Curves
from nca_assets.labels.damage import REPLICA_FRAMES, flip_in_the_middle, measure_damage
from nca_assets.labels.metrics import Value, measure
from nca_assets.labels.parts import LabelPart, write_parts
from nca_assets.labels.states import measure_states
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Resources
from nca_assets.shards.manifest import Manifest, Member, read_manifest
from nca_assets.shards.read import read_rollouts
from nca_assets.shards.verify import require_current_inputs
from nca_assets.versions import LABEL_VERSION
from nca_assets.vocabulary.centroids import load_centroids

Labelled = tuple[dict[str, Value], Curves]


def write_labels(key: ShardKey, data: DataFolder, resources: Resources, progress: Progress = unwatched) -> LabelPart:
    """Label every rollout of shard ``key`` and write its parts; for an imported one, metrics that need a recipe are
    null.

    ``progress`` is called with the rollouts done and the total. Raises ``NcaError`` naming shard and rollout if the
    shard is missing or damaged, or of another recipe or vocabulary; older parts then stay.
    """
    manifest = read_manifest(key, data)
    labels: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    labelled = label_rollouts(key, manifest, data, resources)
    for member, (metrics, curve) in zip(manifest.members, labelled, strict=True):
        identity = _identity(key, member)
        labels.append(identity | {"recipe_version": manifest.recipe_version} | metrics)
        curves.append(_curves(identity, curve))
        progress(len(labels), len(manifest.members))
    made_from = {
        "shard_digest": manifest.digest,
        "recipe_version": manifest.recipe_version,
        "centroids_digest": manifest.centroids_digest,
    }
    made_from = {name: str(value) for name, value in made_from.items() if value is not None}
    return write_parts(key, data, labels, curves, made_from)


def label_rollouts(key: ShardKey, manifest: Manifest, data: DataFolder, resources: Resources) -> Iterator[Labelled]:
    """Metrics and curves of each rollout of a shard, in order; for native ones also the recipe's scalars, and metrics
    of their states and of their replicas, which are simulated alongside."""
    if key.imported:
        yield from (measure(tokens) for _, tokens in read_rollouts(key, data, manifest))
        return
    centroids = load_centroids(data)
    require_current_inputs(key, manifest, centroids)
    waiting: dict[int, NDArray[np.uint8]] = {}

    def rules() -> Iterator[Rule]:
        for member, tokens in read_rollouts(key, data, manifest):
            waiting[member.index] = tokens
            yield data.rule(key.set, member.index)

    def label(rule: Rule, replica: NDArray[np.uint8]) -> Labelled:
        tokens = waiting.pop(rule.scalars.index)
        damage = measure_damage(tokens, replica, flip_in_the_middle(rule))
        metrics, curves = measure(tokens, damage, measure_states(rule, centroids))
        return _recipe(rule) | metrics, curves

    yield from simulate_each(rules(), centroids, REPLICA_FRAMES, choose_machine(resources), label, flip_in_the_middle)


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
