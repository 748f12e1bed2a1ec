"""Imported shards, registered in place, and their labels: one partition per file."""

import dagster as dg

from nca_assets.automation.about import OWNERS, documents
from nca_assets.automation.partition_work import label_shard
from nca_assets.automation.partitions import imported_partitions
from nca_assets.automation.reporting import progress_in_log, table_schema, working
from nca_assets.ids import ShardKey
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.store.location import parse_location
from nca_assets.versions import LABEL_VERSION


class ImportedFile(dg.Config):
    """The file of a partition."""

    source: str = ""
    """Path of the .npz file, or its address in a bucket; empty for the registered one."""


@dg.asset(
    partitions_def=imported_partitions,
    group_name="imported",
    kinds={"numpy"},
    code_version="1",
    owners=OWNERS,
    metadata=documents("SPEC.md"),
)
def imported_shards(context: dg.AssetExecutionContext, config: ImportedFile) -> dg.MaterializeResult:
    """Imported token shards (`nca import shards FOLDER`): checked and digested, but not reproducible from recipes."""
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
            "seconds": manifest.seconds,
            "digest": manifest.digest,
            "path": dg.MetadataValue.path(str(manifest.source)),
        },
    )


@dg.asset(
    deps=[imported_shards],
    partitions_def=imported_partitions,
    group_name="imported",
    kinds={"polars", "parquet"},
    code_version=f"labels {LABEL_VERSION}",
    owners=OWNERS,
    metadata={"dagster/column_schema": table_schema(LABEL_COLUMNS), **documents("LABELS.md")},
)
def imported_labels(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Behavior class and metrics of imported rollouts; metrics that need a recipe (damage, saturation, …) are null."""
    with working(context) as (project, _), progress_in_log(context, context.partition_key, "rollouts") as progress:
        version, metadata = label_shard(ShardKey.parse(context.partition_key), project, progress)
    return dg.MaterializeResult(data_version=dg.DataVersion(version), metadata=metadata)
