"""Other people's shards, registered where they lie, and their labels: a partition a file."""

import dagster as dg

from nca_assets.ids import ShardKey
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.orchestration.assets.about import COSTLY, OWNERS, documents
from nca_assets.orchestration.partitions.keys import imported_partitions
from nca_assets.orchestration.reporting import as_metadata, progress_in_log, rounded, table_schema, working
from nca_assets.store.location import parse_location
from nca_assets.versions import LABEL_VERSION
from nca_assets.workers.stages import LABELS


class ImportedFile(dg.Config):
    """Which file a partition is."""

    source: str = ""
    """Path of the .npz file, or its address in a bucket; empty for the one that it was registered with."""


@dg.asset(
    partitions_def=imported_partitions,
    group_name="imported",
    kinds={"numpy"},
    code_version="1",
    owners=OWNERS,
    metadata=documents("SPEC.md"),
)
def imported_shards(context: dg.AssetExecutionContext, config: ImportedFile) -> dg.MaterializeResult:
    """Token shards that others made (`nca import shards FOLDER`): checked and digested, not claimed reproducible."""
    from nca_assets.shards.imported import register

    with working(context) as (_, data):
        key = ShardKey.parse(context.partition_key)
        manifest = register(key, parse_location(config.source) if config.source else None, data)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(manifest.digest),
        metadata={
            "dagster/partition_row_count": len(manifest.members),
            "tokens": manifest.tokens,
            "bytes": manifest.file_bytes,
            "seconds": rounded(manifest.seconds),
            "digest": manifest.digest,
            "path": dg.MetadataValue.path(str(manifest.source)),
        },
    )


@dg.asset(
    deps=[imported_shards],
    partitions_def=imported_partitions,
    group_name="imported",
    kinds={"polars", "parquet"},
    tags=COSTLY,
    code_version=f"labels {LABEL_VERSION}",
    owners=OWNERS,
    metadata={"dagster/column_schema": table_schema(LABEL_COLUMNS), **documents("LABELS.md")},
)
def imported_labels(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Behavior class and metrics of imported rollouts; what needs a recipe (damage, saturation, …) is null."""
    with working(context) as (project, _), progress_in_log(context, context.partition_key, "rollouts") as progress:
        version, facts = LABELS.work(ShardKey.parse(context.partition_key), project, progress)
    return dg.MaterializeResult(data_version=dg.DataVersion(version), metadata=as_metadata(facts))
