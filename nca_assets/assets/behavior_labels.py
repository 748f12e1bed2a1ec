"""The labels: one Parquet part a shard, on the same partitions."""

import time

import dagster as dg

from nca_assets.assets.centroids import centroids
from nca_assets.assets.rollout_shards import rollout_shards
from nca_assets.automation.partitions import shard_partitions
from nca_assets.automation.reporting import behavior_table, failures_in_one_line, progress_in_log, table_schema
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.settings import load_settings, require_writable
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION


@dg.asset(
    deps=[rollout_shards, centroids],
    partitions_def=shard_partitions,
    group_name="labels",
    kinds={"polars", "parquet"},
    code_version=f"recipe {RECIPE_VERSION}, labels {LABEL_VERSION}",
    metadata={"dagster/column_schema": table_schema(LABEL_COLUMNS)},
    pool="device",
)
def behavior_labels(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Behavior class and metrics of every rollout: a Parquet part a shard, `data/labels/set=1/shard=00000.parquet`.

    Its curves over time lie beside, in `data/curves`. The twin whose damage is measured is simulated from the recipe.
    """
    from nca_assets.labels.write import write_labels

    started = time.perf_counter()
    with failures_in_one_line(), progress_in_log(context, context.partition_key, "rollouts") as progress:
        settings = load_settings()
        require_writable(settings.data)
        part = write_labels(settings.shard_key(context.partition_key), settings, progress)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(part.digest),
        metadata={
            "behaviors": behavior_table(part.rows["behavior"]),
            "dagster/partition_row_count": len(part.rows),
            "bytes": part.file.stat().st_size,
            "seconds": time.perf_counter() - started,
            "digest": part.digest,
            "path": dg.MetadataValue.path(part.file),
        },
    )
