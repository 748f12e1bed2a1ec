"""The configs as Parquet files for the hub's viewer and ``datasets``: typed, with small row groups and a page index."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.figures.images import png
from nca_assets.figures.palette import colored, colors_of
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.labels.schema import Column
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.streams import LONG_HORIZON
from nca_assets.publishing.labels import checked_labels
from nca_assets.publishing.layout import (
    BYTES,
    IMAGE,
    LABELS,
    PREVIEW,
    PREVIEW_LABELS,
    TOKEN_FILES,
    TOKEN_LABELS,
    Config,
    collection_config,
)
from nca_assets.settings import Resources, load
from nca_assets.shards.manifest import Manifest, rollout_digest
from nca_assets.shards.read import read_rollouts
from nca_assets.store.store import local_copy
from nca_assets.warehouse.collections import Collection
from nca_assets.warehouse.sql_text import Sampling, literal

Item = TypeVar("Item")

MAX_PREVIEWED = 100
"""Rollouts per set, in one row group, so that the viewer loads no more than it shows."""

TOKENS_PER_GROUP = 4_000_000

TOKEN_LEVEL = 6
"""Zstandard's level for tokens: at time-fastest order, 0.6 times the size of a shard, at some 130 MB/s per core."""

LABELS_PER_GROUP = 10_000

SIDE = 128
"""Approximate longer side of a picture in pixels, rounded up to whole cells: the size the viewer shows."""

_ARROW = {
    "VARCHAR": pa.string(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "SMALLINT": pa.int16(),
    "DOUBLE": pa.float64(), BYTES: pa.binary(),
    IMAGE: pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())]),
}  # fmt: skip


def schema(config: Config) -> pa.Schema:
    """The columns' types and comments, with metadata for ``datasets``."""
    fields = [
        pa.field(column.name, _ARROW[column.type], metadata={"description": column.description})
        for column in config.columns
    ]
    features = {column.name: _feature(column) for column in config.columns}
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def _feature(column: Column) -> dict[str, str]:
    if column.type == IMAGE:
        return {"_type": "Image"}
    name = str(_ARROW[column.type])
    return {"dtype": "float64" if name == "double" else name, "_type": "Value"}


@contextmanager
def _writer(config: Config, file: Path, level: int | None = None) -> Iterator[pq.ParquetWriter]:
    file.parent.mkdir(parents=True, exist_ok=True)
    writer = pq.ParquetWriter(file, schema(config), compression="zstd", compression_level=level, write_page_index=True)
    with writer:
        yield writer


def write_preview(rollout_set: str, file: Path, data: DataFolder) -> None:
    """Write some rollouts of a set, in proportion by class, as pictures with a few of their labels."""
    condition = f"set_name = {literal(rollout_set)}"
    source = RolloutSource.where(condition, data, sampling=Sampling(total=MAX_PREVIEWED))
    colors = colors_of(rollout_set, data)
    rows = []
    for rollout in source:
        pixels = colored(np.asarray(rollout.tokens), colors)
        shown = {f"frame_{frame}": pixels[frame] for frame in LONG_HORIZON} | {"frame_last": pixels[-1]}
        scale = -(-SIDE // max(pixels.shape[1:3]))
        images = {name: {"bytes": png(grid, scale), "path": None} for name, grid in shown.items()}
        rows.append({name: rollout.labels[name] for name in PREVIEW_LABELS} | images)
    with _writer(PREVIEW, file) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema(PREVIEW)))


def write_labels(keys: Iterable[ShardKey], file: Path, data: DataFolder) -> None:
    """Write the labels of a set's shards in order. Raises ``NcaError`` if any differ from the warehouse."""
    with _writer(LABELS, file) as writer:
        tables = (table.to_arrow().cast(schema(LABELS)) for table in checked_labels(keys, data))
        for group in _grouped(tables, len, LABELS_PER_GROUP):
            writer.write_table(pa.concat_tables(group))


def write_tokens(key: ShardKey, manifest: Manifest, file: Path, data: DataFolder) -> None:
    """Write a shard's rollouts with their tokens. Raises ``NcaError`` if any differs from ``manifest``."""
    classes = pq.ParquetFile(local_copy(data.labels_file(key))).read(["rollout_index", "behavior"]).to_pydict()
    behavior = dict(zip(classes["rollout_index"], classes["behavior"], strict=True))
    rows = (
        {
            "rollout_id": f"{key.set}/{member.index:06d}",
            "behavior": behavior[member.index],
            "frames": member.frames,
            "height": member.height,
            "width": member.width,
            "digest": member.digest,
            "tokens": tokens.tobytes(order="F"),
        }
        for member, tokens in read_rollouts(key, data, manifest, load(Resources))
    )
    with _writer(TOKEN_FILES, file, TOKEN_LEVEL) as writer:
        for group in _grouped(rows, lambda row: len(row["tokens"]), TOKENS_PER_GROUP):
            writer.write_table(pa.Table.from_pylist(group, schema(TOKEN_FILES)))


def write_collection(collection: Collection, rollout_set: str, file: Path, data: DataFolder) -> list[str]:
    """Write the rollouts of a collection that are of a set, with their tokens; returns their digests in order.

    Raises ``NcaError`` if any is gone, or has changed since it was collected.
    """
    names = [name for name in sorted(collection.rollouts) if RolloutId.parse(name).set == rollout_set]
    listed = ", ".join(map(literal, names))
    source = RolloutSource.query(f"SELECT unnest([{listed}]) AS rollout_id", data, columns=TOKEN_LABELS)
    rows = (
        {name: rollout.labels[name] for name in TOKEN_LABELS}
        | {"digest": rollout_digest(tokens), "tokens": tokens.tobytes(order="F")}
        for rollout, tokens in ((rollout, np.asarray(rollout.tokens)) for rollout in source)
    )
    config, written = collection_config(collection), {}
    with _writer(config, file, TOKEN_LEVEL) as writer:
        for group in _grouped(rows, lambda row: len(row["tokens"]), TOKENS_PER_GROUP):
            written |= {row["rollout_id"]: row["digest"] for row in group}
            writer.write_table(pa.Table.from_pylist(group, schema(config)))
    if written != {name: collection.rollouts[name] for name in names}:
        raise NcaError(
            f"rollouts of collection {collection.name}, version {collection.version}, are missing or have changed: "
            f"collect it again with 'nca collect {collection.name}'"
        )
    return list(written.values())


def read_digests(file: Path) -> Iterator[str]:
    """The digest of each rollout in a file of tokens, computed from these."""
    for batch in pq.ParquetFile(file).iter_batches(batch_size=1, columns=["frames", "height", "width", "tokens"]):
        [row] = batch.to_pylist()
        shape = row["frames"], row["height"], row["width"]
        yield rollout_digest(np.frombuffer(row["tokens"], np.uint8).reshape(shape, order="F"))


def count_rows(file: Path) -> int:
    """The number of rows in ``file``, all of which are read."""
    return sum(batch.num_rows for batch in pq.ParquetFile(file).iter_batches())


def _grouped(items: Iterable[Item], size: Callable[[Item], int], full: int) -> Iterator[list[Item]]:
    """Consecutive groups of items, each ended by the item that brings its total size to ``full`` or more."""
    group: list[Item] = []
    for item in items:
        group.append(item)
        if sum(map(size, group)) >= full:
            yield group
            group = []
    if group:
        yield group
