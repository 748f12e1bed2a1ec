"""Backfills of any choice of partitions, run by Dagster's daemon and shown in its UI."""

import time

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.utils import make_new_backfill_id

from nca_assets.orchestration.partitions.in_flight import LABELS, SHARDS
from nca_assets.orchestration.partitions.keys import shard_partitions


def launch_backfill(instance: dg.DagsterInstance, shards: list[str], labels: list[str], title: str) -> str:
    """Request ``shards`` with their labels, and ``labels`` alone; returns the backfill's id.

    Nothing runs until a daemon does.
    """
    backfill = PartitionBackfill.from_asset_graph_subset(
        backfill_id=make_new_backfill_id(),
        backfill_timestamp=time.time(),
        tags={},
        dynamic_partitions_store=instance,
        asset_graph_subset=AssetGraphSubset(
            partitions_subsets_by_asset_key={
                key: shard_partitions.subset_with_partition_keys(keys)
                for key, keys in ((SHARDS, shards), (LABELS, shards + labels))
                if keys
            }
        ),
        title=title,
        description=None,
        run_config=None,
    )
    instance.add_backfill(backfill)
    return backfill.backfill_id


def daemon_is_running(instance: dg.DagsterInstance) -> bool:
    """Whether the backfill daemon has sent a recent heartbeat."""
    return all(status.healthy for status in instance.get_daemon_statuses(daemon_types=["BACKFILL"]).values())
