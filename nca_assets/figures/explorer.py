"""The explorer: one HTML file for filtering, sorting and playing rollouts, without a server or a network.

``explorer.html`` beside this file is the page's template; this module fills in the data.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.figures.chart import CLASS_COLORS
from nca_assets.figures.palette import colors_of, hexadecimal
from nca_assets.ids import ShardKey
from nca_assets.labels.curves import ENTROPY_STEPS
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.labels.table import read_table
from nca_assets.loading.source import RolloutSource
from nca_assets.progress import Progress, unwatched
from nca_assets.remedies import relabel
from nca_assets.store.location import Stored
from nca_assets.store.store import whole_file
from nca_assets.warehouse.answer import parenthesized

FIRST_FRAMES, LAST_FRAMES = 32, 64
"""Frames shown of a longer rollout: its start, and its end, long enough for any period of ``periodic``."""

CURVE_POINTS = 125

MIN_EACH = 12
"""Rollouts of each class shown before the rest is distributed; this many fill a row on the screen."""

PLACE_OF_DATA = "{{DATA}}"


@dataclass(frozen=True)
class Explorer:
    """A written explorer: its number of rollouts, the file's size, and its SHA-256."""

    rollouts: int
    bytes: int
    digest: str


def explored(data: DataFolder, condition: str = "true", most: int = 500) -> RolloutSource:
    """Up to ``most`` labeled rollouts that meet an SQL condition over labels and splits.

    They comprise ``MIN_EACH`` of each class, or all if fewer, and the rest in proportion. Raises ``NcaError`` if the
    condition is not valid SQL, or if nothing meets it.
    """
    query = f"""
        WITH ranked AS (
            SELECT
                rollout_id,
                row_number() OVER (PARTITION BY behavior ORDER BY md5(rollout_id)) AS place,
                count(*) OVER (PARTITION BY behavior) AS of_class
            FROM labels JOIN splits USING (rollout_id, set_name)
            WHERE {parenthesized(condition)}
        )
        SELECT rollout_id FROM ranked
        ORDER BY least(place, {MIN_EACH + 1}), (place - 0.5) / of_class, md5(rollout_id)
        LIMIT {most}
    """  # noqa: S608
    return RolloutSource.query(query, data).apart()


def write_explorer(source: RolloutSource, file: Stored, progress: Progress = unwatched) -> Explorer:
    """Write the rollouts of ``source`` with their labels and curves into ``file``; the same bytes for the same data.

    ``source`` must carry all labels. Raises ``NcaError`` if a shard or its curves are missing or damaged.
    """
    curves = _curves(source)
    rollouts: list[dict[str, Any]] = []
    labels = source.table.select(column.name for column in LABEL_COLUMNS)
    for position, tokens in enumerate(source.read(range(len(source)))):
        if isinstance(tokens, NcaError):
            raise tokens
        values = [_short(value) for value in labels.row(position)]
        rollouts.append({"labels": values, "clip": packed(np.asarray(tokens)), "curves": curves[position]})
        progress(position + 1, len(source))
    sets = sorted(set(source.table["set_name"]))
    page = _page(
        {
            "colors": {name: hexadecimal(colors_of(name, source.data)) for name in sets},
            "classes": CLASS_COLORS,
            "columns": [{"name": column.name, "description": column.description} for column in LABEL_COLUMNS],
            "first": FIRST_FRAMES,
            "last": LAST_FRAMES,
            "rollouts": rollouts,
        }
    )
    with whole_file(file) as out:
        out.write(page)
    return Explorer(len(rollouts), len(page), hashlib.sha256(page).hexdigest())


def shown_frames(frames: int) -> list[int]:
    """The frames of a rollout of ``frames`` frames that are in its clip."""
    if frames <= FIRST_FRAMES + LAST_FRAMES:
        return list(range(frames))
    return [*range(FIRST_FRAMES), *range(frames - LAST_FRAMES, frames)]


def packed(tokens: NDArray[np.uint8]) -> str:
    """The clip of a rollout (frames, height, width), deflated with time fastest, in Base64."""
    clip = tokens[shown_frames(len(tokens))].transpose(1, 2, 0) % TOKENS
    return base64.b64encode(zlib.compress(np.ascontiguousarray(clip).tobytes(), 9)).decode()


def _curves(source: RolloutSource) -> list[list[list[int]]]:
    """Entropy (1/100 bit), novelty and difference from frame 0 (both 1/1000) of each rollout, at some frames."""
    drawn: dict[tuple[str, int], list[list[int]]] = {}
    for (name, shard), rows in source.table.group_by("set_name", "shard"):
        key, data = ShardKey(str(name), int(shard)), source.data  # type: ignore[arg-type]
        file = data.curves_file(key)
        part, _ = read_table(
            file, data, relabel(key), columns=["rollout_index", "cells", "entropy", "changed", "differing"]
        )
        part = part.filter(pl.col("rollout_index").is_in(rows["rollout_index"].to_list()))
        if len(part) < len(rows):
            raise NcaError(f"{file} lacks the curves of some labeled rollouts: {relabel(key)}")
        for row in part.iter_rows(named=True):
            at = np.unique(np.linspace(0, len(row["entropy"]) - 1, CURVE_POINTS).round().astype(int))
            scales = (100 / ENTROPY_STEPS, 1000 / row["cells"], 1000 / row["cells"])
            curves = (row["entropy"], row["changed"], row["differing"])
            drawn[name, row["rollout_index"]] = [
                (np.array(curve)[at] * scale).round().astype(int).tolist()
                for curve, scale in zip(curves, scales, strict=True)
            ]  # type: ignore[index]
    return [drawn[rollout.set, rollout.index] for rollout in source.ids]


def _short(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _page(data: dict[str, Any]) -> bytes:
    # The data must not contain anything that looks like the end of the script element.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    template = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
    return template.replace(PLACE_OF_DATA, text).encode()
