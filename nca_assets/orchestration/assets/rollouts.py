"""The rollouts and their labels: one shard and one label part a partition, made by one op, many partitions a run."""

from collections.abc import Iterator

import dagster as dg

from nca_assets.orchestration.assets.making import check_specs, make_partitions, partitions_of
from nca_assets.orchestration.assets.partition_specs import LABELS, SHARDS
from nca_assets.orchestration.partitions.keys import shard_partitions
from nca_assets.orchestration.reporting import working
from nca_assets.project import Project
from nca_assets.workers import stages

STAGES = (stages.SHARDS, stages.LABELS)


@dg.multi_asset(
    name="shards_and_labels",
    specs=[SHARDS, LABELS],
    check_specs=check_specs(STAGES, shard_partitions),
    partitions_def=shard_partitions,
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.multi_run(Project.load().orchestration.shards_per_run),
    pool="device",
)
def rollouts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Simulate and label the shards of this run's partitions: on all GPUs of this machine, or on a Ray cluster."""
    from nca_assets.shards.space import require_space

    with working(context) as (project, data):
        keys = [project.shard_key(partition) for partition in partitions_of(context, data.shards)]
        if SHARDS.key in context.selected_asset_keys:
            require_space([key for key in keys if stages.keeps_tokens(key, project)], data)
        make_partitions(context, STAGES, keys, project)
    yield from ()  # each partition has been reported already
