"""Reporting partitions one by one, as they finish, from a run that materializes many.

Dagster would apply an op's result to every partition of its run; here each has its own data version, metadata and
inputs, and reported partitions survive a killed run.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from nca_assets.automation.database import retry_while_down

DATA_VERSION, CODE_VERSION = "dagster/data_version", "dagster/code_version"
AUTOMATIC_RETRY = "dagster/retry_number"
INPUT_VERSION, INPUT_EVENT = "dagster/input_data_version", "dagster/input_event_pointer"


def report_materialization(
    context: dg.AssetExecutionContext,
    spec: dg.AssetSpec,
    partition: str | None,
    data_version: str,
    metadata: Mapping[str, Any],
) -> None:
    """Report ``partition`` of the asset of ``spec`` (None: the whole asset) as materialized from its current inputs."""
    tags = {DATA_VERSION: data_version, "dagster/data_version_is_user_provided": "true"}
    if spec.code_version:
        tags[CODE_VERSION] = spec.code_version
    for dependency in spec.deps:
        record = _latest(context, dependency.asset_key, partition)
        name = dependency.asset_key.to_user_string()
        tags[f"{INPUT_VERSION}/{name}"] = _version(record) or "INITIAL"
        tags[f"{INPUT_EVENT}/{name}"] = str(record.storage_id) if record else "NULL"
    event = dg.AssetMaterialization(spec.key, partition=partition, metadata=metadata, tags=tags)
    retry_while_down(lambda: context.log_event(event))


def reported_by_this_run(context: dg.AssetExecutionContext, key: dg.AssetKey) -> set[str]:
    """The partitions of asset ``key`` materialized by earlier attempts of this run.

    Includes a run whose process was lost, if the daemon launched this run in its place.
    """
    run = context.run
    is_retry = run.tags.get(AUTOMATIC_RETRY, "0") != "0"
    if context.retry_number == 0 and not is_retry:
        return set()
    attempts = {run.run_id} | ({run.parent_run_id, run.root_run_id} if is_retry else set())
    records = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(key, asset_partitions=context.partition_keys), limit=10 * len(context.partition_keys)
    ).records
    return {str(record.partition_key) for record in records if record.run_id in attempts}


def latest_versions(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, str]:
    """The data version of the latest materialization of each partition of asset ``key``."""
    found = instance.event_log_storage.get_latest_tags_by_partition(
        key, dg.DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION]
    )
    return {partition: tags[DATA_VERSION] for partition, tags in found.items()}


def _latest(context: dg.AssetExecutionContext, key: dg.AssetKey, partition: str | None) -> dg.EventLogRecord | None:
    """The latest materialization of this partition of ``key``, or of the whole asset if it is not partitioned."""
    partitions = [partition] if partition and context.job_def.asset_layer.get(key).is_partitioned else None
    wanted = dg.AssetRecordsFilter(key, asset_partitions=partitions)
    records = retry_while_down(lambda: context.instance.fetch_materializations(wanted, limit=1).records)
    return records[0] if records else None


def _version(record: dg.EventLogRecord | None) -> str | None:
    made = record and record.asset_materialization
    return (made.tags or {}).get(DATA_VERSION) if made else None
