"""Other people's shards, registered where they lie, and their labels: a partition a file, made by one op."""

from collections.abc import Iterator

import dagster as dg

from nca_assets.ids import ShardKey
from nca_assets.orchestration.assets.making import check_specs, make_partitions, partitions_of
from nca_assets.orchestration.assets.partition_specs import IMPORTED_LABELS, IMPORTED_SHARDS
from nca_assets.orchestration.partitions.keys import imported_partitions
from nca_assets.orchestration.reporting import working
from nca_assets.workers import stages

STAGES = (stages.imported_shards(), stages.IMPORTED_LABELS)


class ImportedFile(dg.Config):
    """Which file a partition is."""

    source: str = ""
    """Path of the .npz file, or its address in a bucket; empty for the one that it was registered with."""


@dg.multi_asset(
    specs=[IMPORTED_SHARDS, IMPORTED_LABELS],
    check_specs=check_specs(STAGES, imported_partitions),
    partitions_def=imported_partitions,
    can_subset=True,
)
def imported(context: dg.AssetExecutionContext, config: ImportedFile) -> Iterator[dg.MaterializeResult]:
    """Register the files of this run's partitions and label their rollouts."""
    with working(context) as (project, data):
        keys = [ShardKey.parse(partition) for partition in partitions_of(context, data.imported_shards)]
        make_partitions(context, (stages.imported_shards(config.source), stages.IMPORTED_LABELS), keys, project)
    yield from ()  # each partition has been reported already
