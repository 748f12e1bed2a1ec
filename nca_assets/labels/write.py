"""The label part of a shard: one row a rollout, as an immutable Parquet file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from nca_assets.automaton.lattice import WEIGHT_ONE
from nca_assets.automaton.recipe import LARGEST_NOISE, draw_scalars
from nca_assets.files import whole_file
from nca_assets.labels.metrics import Value, measure
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.naming import SETS, RolloutId, ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.shards.manifest import Manifest, Member, read_manifest
from nca_assets.shards.read import read_rollouts
from nca_assets.versions import LABEL_VERSION

POLARS_TYPES = {
    "VARCHAR": pl.String,
    "BIGINT": pl.Int64,
    "INTEGER": pl.Int32,
    "SMALLINT": pl.Int16,
    "DOUBLE": pl.Float64,
}


@dataclass(frozen=True)
class LabelPart:
    """A written part: its rows, its file, and the SHA-256 of its rows as CSV."""

    rows: pl.DataFrame
    file: Path
    digest: str


def write_labels(key: ShardKey, data: Path, progress: Progress = unwatched) -> LabelPart:
    """Label every rollout of shard ``key`` and write the part.

    ``progress`` is called with the rollouts done and their number. Raises ``NcaError`` naming shard and rollout if the
    shard is missing or damaged; an older part then stays.
    """
    manifest = read_manifest(key, data)
    rows = []
    for member, tokens in read_rollouts(key, data, manifest):
        rows.append(_identity(key, manifest, member) | measure(tokens))
        progress(len(rows), len(manifest.members))
    table = pl.DataFrame(rows, schema={column.name: POLARS_TYPES[column.type] for column in LABEL_COLUMNS})
    with whole_file(key.labels_file(data)) as file:
        table.write_parquet(file, compression="zstd")
    return LabelPart(table, key.labels_file(data), hashlib.sha256(table.write_csv().encode()).hexdigest())


def _identity(key: ShardKey, manifest: Manifest, member: Member) -> dict[str, Value]:
    scalars = draw_scalars(SETS[key.set].seed, member.index)
    return {
        "rollout_id": str(RolloutId(key.set, member.index)),
        "set": key.set,
        "index": member.index,
        "shard": key.number,
        "height": member.height,
        "width": member.width,
        "frames": manifest.frames,
        "recipe_version": manifest.recipe_version,
        "gain_in": scalars.gain_in,
        "gain_out": scalars.gain_out,
        "residual_scale": 2.0**-scalars.residual_shift,
        "leak": scalars.leak / WEIGHT_ONE,
        "noise": LARGEST_NOISE * 2.0**-scalars.noise_shift,
        "digest": member.digest,
        "label_version": LABEL_VERSION,
    }
