"""The label files of a shard: its labels, its curves, and the curves' sums by behavior, as Parquet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.labels.curves import ENTROPY_STEPS, STABILIZED
from nca_assets.labels.schema import CURVE_COLUMNS, CURVE_SUM_COLUMNS, LABEL_COLUMNS
from nca_assets.labels.table import polars_schema, to_table, write_table
from nca_assets.shards.findings import clear_finding
from nca_assets.store.location import Stored
from nca_assets.store.refusals import refusals_of_the_disk
from nca_assets.versions import LABEL_VERSION

CURVES, DROPPED = "curves", "dropped"
"""The metadata of a label part without a file of curves."""

CURVES_LEVEL = 6
"""Zstandard's level: the curves take 9 % less than at 3, and far less time than at 15."""


@dataclass(frozen=True)
class LabelPart:
    """A written part: its rows, its file, and the SHA-256 of its rows and curves."""

    rows: pl.DataFrame
    file: Stored
    digest: str


def write_parts(
    key: ShardKey,
    data: DataFolder,
    labels: list[dict[str, Any]],
    curves: list[dict[str, Any]],
    made_from: dict[str, str],
    keep_curves: bool = True,
) -> LabelPart:
    """Write the parts of shard ``key``; ``made_from`` goes into their Parquet metadata.

    The label part follows the others, so its presence implies theirs. Without ``keep_curves`` it says so, and curves
    of earlier labels are removed after it. Raises ``NcaError`` if the disk refuses.
    """
    label_table, curve_table = to_table(labels, LABEL_COLUMNS), to_table(curves, CURVE_COLUMNS)
    part = LabelPart(label_table, data.labels_file(key), part_digest(label_table, curve_table))
    lineage = made_from | {"label_version": str(LABEL_VERSION), "digest": part.digest}
    if keep_curves:
        write_table(curve_table, data.curves_file(key), data, lineage, CURVES_LEVEL)
    write_table(curve_sums(labels, curves), data.curve_sums_file(key), data, lineage)
    write_table(label_table, part.file, data, lineage if keep_curves else lineage | {CURVES: DROPPED})
    if not keep_curves:
        with refusals_of_the_disk(data.curves_file(key)):
            data.curves_file(key).unlink(missing_ok=True)
    clear_finding(data.labels_finding_file(key))
    return part


def curve_sums(labels: list[dict[str, Any]], curves: list[dict[str, Any]]) -> pl.DataFrame:
    """For each class and frame, the sums over its rollouts named in ``CURVE_SUM_COLUMNS``."""
    sums: dict[tuple[str, str], NDArray[np.float64]] = {}
    longest = max(row["frames"] for row in labels)
    for label, curve in zip(labels, curves, strict=True):
        of_class = sums.setdefault((label["set_name"], label["behavior"]), np.zeros((5, longest)))
        frames, cells = label["frames"], curve["cells"]
        of_class[0, :frames] += 1
        of_class[1, :frames] += curve["entropy"] / ENTROPY_STEPS
        of_class[2, :frames] += curve["changed"] / cells
        of_class[3, :frames] += curve["differing"] / cells
        of_class[4, STABILIZED:frames] += curve["matching_100"] / cells
    rows = [
        (*name, frame, int(values[0]), *values[1:])
        for name in sorted(sums)
        for frame, values in enumerate(sums[name].T)
    ]
    return pl.DataFrame(rows, schema=polars_schema(CURVE_SUM_COLUMNS), orient="row").filter(pl.col("rollouts") > 0)


def part_digest(labels: pl.DataFrame, curves: pl.DataFrame) -> str:
    """SHA-256, in hex, of the labels as CSV, then of the curves, as specified in ``docs/SPEC.md``."""
    content = hashlib.sha256(labels.write_csv().encode())
    for row in curves.drop("rollout_id", "set_name", "rollout_index", "cells").iter_rows():
        for values in row:
            content.update(np.asarray(values, dtype="<u2").tobytes())
    return content.hexdigest()
