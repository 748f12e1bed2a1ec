"""Checking the disk for space before shards are made."""

from __future__ import annotations

from collections.abc import Collection

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DiskFullError
from nca_assets.ids import ShardKey
from nca_assets.store.store import free_bytes

MEAN_CELLS = 724
BYTES_PER_TOKEN = 0.35
"""Assumed size of a compressed shard until one can be measured; measured 0.29 over 4,608 rollouts."""

BESIDE_SHARDS = 1.1
"""Factor for manifests, labels and curves."""

MEASURED = 16


def require_space(keys: Collection[ShardKey], data: DataFolder) -> None:
    """Raise ``DiskFullError`` if the disk has too little space left for the shards ``keys`` and their labels.

    Replacing an existing shard takes space for one more meanwhile.
    """
    new = sum(not data.tokens_file(key).exists() for key in keys)
    needed = int((new + (new < len(keys))) * bytes_per_shard(data) * BESIDE_SHARDS)
    free = free_bytes(data.root)
    if free is not None and needed > free:
        raise DiskFullError(
            f"{len(keys)} shards need about {needed / 1e6:,.1f} MB, {data} has {free / 1e6:,.1f} MB left: "
            "free space, ask for fewer partitions, or set NCA_DATA to another disk"
        )


def bytes_per_shard(data: DataFolder) -> float:
    """The mean size of some existing shards, or an estimate from their number of tokens."""
    with data.surveyed():
        there = data.shards()
    sizes = [
        file.stat().st_size
        for key in there[:: max(1, len(there) // MEASURED)]
        if (file := data.tokens_file(key)).exists()
    ]
    if sizes:
        return sum(sizes) / len(sizes)
    longest = max(rollout_set.frames for rollout_set in data.sets.values())
    return data.shard_size * longest * MEAN_CELLS * BYTES_PER_TOKEN
