"""What the explorer's page knows: labels, recipes of sets, the vocabulary, colors; tokens only of imported rollouts."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import STATE_ONE, TOKENS
from nca_assets.automaton.population import FAMILY_SHARES
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.explorer.selection import in_turn
from nca_assets.figures.chart import CLASS_COLORS
from nca_assets.figures.palette import colors_of, hexadecimal
from nca_assets.ids import is_own
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.loading.source import RolloutSource
from nca_assets.progress import Progress
from nca_assets.vocabulary.centroids import load_centroids
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.illumination import GRID

CLIP_FRAMES = 96
"""Frames kept of an imported rollout, which has no recipe: longer than any period of ``periodic``."""


def content(source: RolloutSource, progress: Progress) -> dict[str, Any]:
    """Everything about the rollouts of ``source`` that the page needs, ready for JSON.

    ``source`` must carry all labels. Raises ``NcaError`` if the vocabulary, or an imported rollout's shard, is missing
    or damaged.
    """
    table = source.table[in_turn(source.table)]
    present = sorted(set(table["set_name"]))
    own = [name for name in present if is_own(name)]
    return {
        "families": [name for name, _ in FAMILY_SHARES],
        "classes": CLASS_COLORS,
        "sets": _recipes(source.data) if own else {},
        "shardSize": source.data.shard_size,
        "centroids": (load_centroids(source.data).numpy() * STATE_ONE).astype(int).ravel().tolist() if own else [],
        "colors": {name: hexadecimal(colors_of(name, source.data)) for name in present},
        "columns": [
            {"name": column.name, "meaning": column.description, "values": _short(table[column.name])}
            for column in LABEL_COLUMNS
        ],
        "clips": _clips(source, progress),
        "collections": _collections(table["rollout_id"], source.data),
        "grid": GRID,
    }


def packed(values: dict[str, Any]) -> str:
    """JSON, deflated, in Base64: what the page unpacks."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def clip(tokens: NDArray[np.uint8]) -> str:
    """The first frames of a rollout (frames, height, width), frame by frame, in Base64."""
    return base64.b64encode((tokens[:CLIP_FRAMES] % TOKENS).tobytes()).decode()


def _recipes(data: DataFolder) -> dict[str, Any]:
    """Of each native set what its rollouts follow from, with a share for every family of the catalog."""
    return {
        name: {
            "seed": rollout_set.seed,
            "smallest": rollout_set.smallest_side,
            "largest": rollout_set.largest_side,
            "shares": [rollout_set.families.get(family, 0) for family, _ in FAMILY_SHARES],
            "frames": rollout_set.frames,
        }
        for name, rollout_set in sorted(data.sets.items())
    }


def _clips(source: RolloutSource, progress: Progress) -> dict[str, str]:
    """The clips of the imported rollouts, by name."""
    imported = [position for position, rollout in enumerate(source.ids) if not is_own(rollout.set)]
    clips: dict[str, str] = {}
    for position, tokens in zip(imported, source.read(imported), strict=True):
        if isinstance(tokens, NcaError):
            raise tokens
        clips[str(source.ids[position])] = clip(np.asarray(tokens))
        progress(len(clips), len(imported))
    return clips


def _collections(names: pl.Series, data: DataFolder) -> dict[str, list[int]]:
    """The members of each collection's latest version among the page's rollouts ``names``, as row numbers."""
    query = "SELECT name, rollout_id FROM collection_rollouts JOIN collections USING (name, version) WHERE latest"
    rows = names.to_frame().with_row_index("row")
    there = (
        whole_table(query, data).join(rows, on="rollout_id").sort("name", "row").group_by("name", maintain_order=True)
    )
    return {name: group["row"].to_list() for (name,), group in there}


def _short(values: pl.Series) -> list[Any]:
    """The values, floats to six digits."""
    return [float(f"{value:.6g}") if isinstance(value, float) else value for value in values]
