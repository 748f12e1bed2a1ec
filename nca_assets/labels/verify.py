"""Checking a shard's label files against their seals, each other, and the shard's manifest."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.ids import ShardKey
from nca_assets.labels.parts import CURVES, DROPPED, curve_sums, part_digest
from nca_assets.labels.schema import CURVE_COLUMNS, CURVE_SUM_COLUMNS, IDENTITY, Column
from nca_assets.labels.table import lacking_column, polars_schema, read_table
from nca_assets.remedies import relabel
from nca_assets.shards.findings import clear_finding, recording_finding
from nca_assets.shards.manifest import read_manifest
from nca_assets.store.location import Stored

ARRAYS = ("entropy", "changed", "differing", "matching_100")


def verify_labels(key: ShardKey, data: DataFolder) -> bool:
    """Read the labels, curves and curve sums of shard ``key``; returns whether it has any.

    Raises ``DamageError`` if a file is missing or damaged, if the sums or the digest do not follow from labels and
    curves (where these are kept), or if the labels' rollouts are not the manifest's. It stays recorded until the labels
    verify or are made again.
    """
    if not data.labels_file(key).exists():
        return False
    with recording_finding(data.labels_finding_file(key)):
        # With the columns that its own release gave it, since the digest is over these.
        labels, lineage = read_table(data.labels_file(key), data, relabel(key))
        if lacking := lacking_column(data.labels_file(key), labels.columns, IDENTITY, relabel(key)):
            raise DamageError(lacking)
        sums, _ = _read(data.curve_sums_file(key), CURVE_SUM_COLUMNS, key, data)
        if lineage.get(CURVES) != DROPPED:
            curves, _ = _read(data.curves_file(key), CURVE_COLUMNS, key, data)
            if part_digest(labels, curves) != lineage["digest"]:
                raise _contradiction(data.labels_file(key), "its digest is not that of its labels and curves", key)
            if not sums.equals(curve_sums(labels.to_dicts(), [_with_arrays(curve) for curve in curves.to_dicts()])):
                raise _contradiction(data.curve_sums_file(key), "it is not the sum of the curves", key)
        _require_members(labels, key, data)
    clear_finding(data.labels_finding_file(key))
    return True


def _read(
    file: Stored, columns: tuple[Column, ...], key: ShardKey, data: DataFolder
) -> tuple[pl.DataFrame, dict[str, str]]:
    return read_table(file, data, relabel(key), list(polars_schema(columns)))


def _require_members(labels: pl.DataFrame, key: ShardKey, data: DataFolder) -> None:
    try:
        members = read_manifest(key, data).members
    except DamageError:
        return  # a finding of the shard, not of its labels
    if labels.select("rollout_index", "digest").rows() != [(member.index, member.digest) for member in members]:
        raise _contradiction(data.labels_file(key), f"its rollouts are not those of {data.manifest_file(key)}", key)


def _contradiction(file: Stored, what: str, key: ShardKey) -> DamageError:
    return DamageError(f"{file} is damaged ({what}): {relabel(key)}")


def _with_arrays(curve: dict[str, Any]) -> dict[str, Any]:
    return curve | {name: np.asarray(curve[name]) for name in ARRAYS}
