"""The parts of a shard's labels and curves: one row a rollout each, as immutable Parquet files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.lattice import WEIGHT_ONE
from nca_assets.automaton.recipe import LARGEST_NOISE, Rule, Scalars, draw_rule, draw_scalars
from nca_assets.files import whole_file
from nca_assets.labels.curves import Curves
from nca_assets.labels.damage import TWIN_FRAMES, flip_in_the_middle, measure_damage
from nca_assets.labels.metrics import Value, measure
from nca_assets.labels.schema import CURVE_COLUMNS, LABEL_COLUMNS, Column
from nca_assets.labels.states import measure_states
from nca_assets.naming import SETS, RolloutId, ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Settings
from nca_assets.shards.manifest import Manifest, Member, read_manifest
from nca_assets.shards.present import require_present_inputs
from nca_assets.shards.read import read_rollouts
from nca_assets.versions import LABEL_VERSION
from nca_assets.vocabulary.centroids import load_centroids

POLARS_TYPES = {
    "VARCHAR": pl.String,
    "BIGINT": pl.Int64,
    "INTEGER": pl.Int32,
    "SMALLINT": pl.Int16,
    "DOUBLE": pl.Float64,
    "USMALLINT[]": pl.List(pl.UInt16),
}


@dataclass(frozen=True)
class LabelPart:
    """A written part: its rows, its file, and the SHA-256 of its rows and curves."""

    rows: pl.DataFrame
    file: Path
    digest: str


Labelled = tuple[dict[str, Value], Curves]


def write_labels(key: ShardKey, settings: Settings, progress: Progress = unwatched) -> LabelPart:
    """Label every rollout of shard ``key`` and write its parts.

    ``progress`` is called with the rollouts done and their number. Raises ``NcaError`` naming shard and rollout if the
    shard is missing or damaged, or of another recipe or vocabulary; older parts then stay.
    """
    manifest = read_manifest(key, settings.data)
    centroids = load_centroids(settings.data)
    require_present_inputs(key, manifest, centroids)
    labels: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    labelled = label_rollouts(key, manifest, centroids, settings)
    for member, (metrics, curve) in zip(manifest.members, labelled, strict=True):
        identity = _identity(key, manifest, member)
        labels.append(identity | metrics)
        cells = {"cells": member.height * member.width}
        curves.append({name: identity[name] for name in ("rollout_id", "set", "index")} | cells | vars(curve))
        progress(len(labels), len(manifest.members))
    table, curve_table = _table(labels, LABEL_COLUMNS), _table(curves, CURVE_COLUMNS)
    for content, file_name in ((curve_table, key.curves_file(settings.data)), (table, key.labels_file(settings.data))):
        with whole_file(file_name) as file:
            content.write_parquet(file, compression="zstd")
    return LabelPart(table, key.labels_file(settings.data), _digest(table, curve_table))


def label_rollouts(key: ShardKey, manifest: Manifest, centroids: Tensor, settings: Settings) -> Iterator[Labelled]:
    """The metrics and curves of each rollout of a shard, in order; the twins are simulated beside."""
    waiting: dict[int, NDArray[np.uint8]] = {}

    def rules() -> Iterator[Rule]:
        for member, tokens in read_rollouts(key, settings.data, manifest):
            waiting[member.index] = tokens
            yield draw_rule(SETS[key.set].seed, member.index)

    def label(rule: Rule, twin: NDArray[np.uint8]) -> Labelled:
        tokens = waiting.pop(rule.scalars.index)
        damage = measure_damage(tokens, twin, flip_in_the_middle(rule))
        return measure(tokens, damage, measure_states(rule, centroids))

    return simulate_each(rules(), centroids, TWIN_FRAMES, choose_machine(settings), label, flip_in_the_middle)


def _table(rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={column.name: POLARS_TYPES[column.type] for column in columns})


def _digest(labels: pl.DataFrame, curves: pl.DataFrame) -> str:
    content = hashlib.sha256(labels.write_csv().encode())
    for row in curves.drop("rollout_id", "set", "index", "cells").iter_rows():
        for values in row:
            content.update(np.asarray(values, dtype="<u2").tobytes())
    return content.hexdigest()


def _identity(key: ShardKey, manifest: Manifest, member: Member) -> dict[str, Value]:
    return {
        "rollout_id": str(RolloutId(key.set, member.index)),
        "set": key.set,
        "index": member.index,
        "shard": key.number,
        "height": member.height,
        "width": member.width,
        "frames": manifest.frames,
        "recipe_version": manifest.recipe_version,
        **_recipe(draw_scalars(SETS[key.set].seed, member.index)),
        "digest": member.digest,
        "label_version": LABEL_VERSION,
    }


def _recipe(scalars: Scalars) -> dict[str, Value]:
    return {
        "regime": scalars.regime,
        "gain_in": scalars.gain_in,
        "gain_out": scalars.gain_out,
        "residual_scale": 2.0**-scalars.residual_shift,
        "leak": scalars.leak / WEIGHT_ONE,
        "noise": LARGEST_NOISE * 2.0**-scalars.noise_shift,
    }
