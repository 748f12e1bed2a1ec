"""Partitions made without simulation: the files of one real shard, under every partition's name, sealed anew."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl

from nca_assets.data_folder import DataFolder
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.labels.table import read_table, write_table
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources, load
from nca_assets.shards.manifest import shard_digest
from nca_assets.shards.write import write_shard
from nca_assets.store.seal import read_sealed, write_sealed
from nca_assets.vocabulary.centroids import load_centroids


def forge(keys: list[ShardKey], data: DataFolder, rollouts: int) -> None:
    """Write the files of the partitions ``keys`` to the local folder ``data``, which has a vocabulary.

    The first is a shard of one rollout, which the others repeat; their manifests list ``rollouts`` of it, and so are as
    large as those of real shards.
    """
    first = keys[0]
    write_shard(first, load_centroids(data), data, load(Resources))
    write_labels(first, data, load(Resources))
    manifest = json.loads(read_sealed(data.manifest_file(first), data.root, ""))
    [member] = manifest["members"]
    tables = [
        (file, *read_table(file(first), data, ""))
        for file in (data.labels_file, data.curves_file, data.curve_sums_file)
    ]
    for key in keys[1:]:
        members = [repeated(member, key.number * rollouts + n, key) for n in range(rollouts)]
        digest = shard_digest(repeat["digest"] for repeat in members)
        own = manifest | {"set": key.set, "shard": key.number, "members": members, "digest": digest}
        own["token_counts"] = [rollouts * count for count in manifest["token_counts"]]
        identity = {
            "rollout_id": pl.lit(str(RolloutId(key.set, key.number))),
            "set_name": pl.lit(key.set),
            "rollout_index": pl.lit(key.number, pl.Int64),
            "shard": pl.lit(key.number, pl.Int32),
        }
        for file, table, lineage in tables:
            named = table.with_columns(**{name: value for name, value in identity.items() if name in table.columns})
            write_table(named, file(key), data, lineage | {"shard_digest": digest, "digest": digest[::-1]})
        write_sealed(json.dumps(own, separators=(",", ":")).encode(), data.manifest_file(key), data.root)
        Path(str(data.tokens_file(key))).hardlink_to(str(data.tokens_file(first)))


def repeated(member: dict[str, Any], index: int, key: ShardKey) -> dict[str, Any]:
    """The entry ``member`` of a manifest as one of shard ``key``, with a digest of its own."""
    digest = hashlib.sha256(f"{key.set} {index}".encode()).hexdigest()
    return member | {"index": index, "digest": digest}
