"""Dagster's events of partitions: materializations and check evaluations, one by one.

Dagster stamps what an op returns on every partition of its run; here each has its own data version, metadata and
inputs, and stays when the run is killed. An event is logged by a run or, for what lies on disk, by the instance.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from nca_assets.orchestration.instance.database import retry_while_down
from nca_assets.orchestration.reporting import as_metadata
from nca_assets.workers.checks import Verdict
from nca_assets.workers.stages import Artifact

DATA_VERSION, CODE_VERSION = "dagster/data_version", "dagster/code_version"
AUTOMATIC_RETRY = "dagster/retry_number"
INPUT_VERSION, INPUT_EVENT = "dagster/input_data_version", "dagster/input_event_pointer"

RECENT = 10
"""Materializations of an input among which the one that was used is looked for."""

Log = Callable[[Any], None]


class Reporter:
    """Reports partitions to ``instance`` through ``log``: a run's, or by default the instance's own."""

    def __init__(self, instance: dg.DagsterInstance, log: Log | None = None) -> None:
        self.instance = instance
        self._log = log or instance.report_runless_asset_event
        self._pointers: dict[tuple[str, str | None, str], str] = {}
        """The events found so far: all partitions have the same vocabulary."""

    def materialization(self, asset: dg.AssetKey, partition: str | None, artifact: Artifact) -> None:
        """Report ``artifact`` as materialized, from the inputs that it names."""
        tags = {
            DATA_VERSION: artifact.version,
            "dagster/data_version_is_user_provided": "true",
            CODE_VERSION: artifact.code,
        }
        for name, version in artifact.inputs.items():
            tags[f"{INPUT_VERSION}/{name}"] = version
            tags[f"{INPUT_EVENT}/{name}"] = self._pointer(name, partition, version)
        metadata = as_metadata(artifact.facts)
        event = dg.AssetMaterialization(asset, partition=partition, metadata=metadata, tags=tags)
        retry_while_down(lambda: self._log(event))

    def observation(self, asset: dg.AssetKey, partition: str, facts: Mapping[str, Any]) -> None:
        """Report ``facts`` about the latest materialization of a partition, whose content has not changed."""
        event = dg.AssetObservation(asset, partition=partition, metadata=as_metadata(facts))
        retry_while_down(lambda: self._log(event))

    def verdicts(self, asset: dg.AssetKey, partition: str, verdicts: Mapping[str, Verdict]) -> None:
        """Report what checks found of the latest materialization of a partition."""
        [record, *_] = [*self._latest(asset, partition, 1), None]
        target = record and AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
        for name, found in verdicts.items():
            self._evaluation(asset, name, found, partition, target)

    def summary(self, check: dg.AssetCheckKey, found: Sequence[Verdict]) -> None:
        """Report a check of many partitions at once."""
        failed = [verdict for verdict in found if not verdict.passed]
        reason = f"{failed[0].description} ({len(failed)} of {len(found)} partitions failed)" if failed else None
        self._evaluation(check.asset_key, check.name, Verdict(not failed, reason, {"partitions": len(found)}))

    def _evaluation(
        self,
        asset: dg.AssetKey,
        name: str,
        found: Verdict,
        partition: str | None = None,
        target: AssetCheckEvaluationTargetMaterializationData | None = None,
    ) -> None:
        evaluation = dg.AssetCheckEvaluation(
            asset_key=asset, check_name=name, passed=found.passed, metadata=found.metadata,
            description=found.description, blocking=True, partition=partition, target_materialization_data=target,
        )  # fmt: skip
        retry_while_down(lambda: self._log(evaluation))

    def _pointer(self, name: str, partition: str | None, version: str) -> str:
        """The event that materialized ``version`` of an input, ``NULL`` if the instance has none."""
        wanted = name, None if name == "centroids" else partition, version
        if wanted not in self._pointers:
            records = self._latest(dg.AssetKey.from_user_string(name), wanted[1], RECENT)
            found = (str(record.storage_id) for record in records if data_version(record) == version)
            self._pointers[wanted] = next(found, "NULL")
        return self._pointers[wanted]

    def _latest(self, asset: dg.AssetKey, partition: str | None, most: int) -> list[dg.EventLogRecord]:
        wanted = dg.AssetRecordsFilter(asset, asset_partitions=[partition] if partition else None)
        return list(retry_while_down(lambda: self.instance.fetch_materializations(wanted, limit=most).records))


def reported_by_this_run(context: dg.AssetExecutionContext, key: dg.AssetKey, partitions: list[str]) -> set[str]:
    """Those of ``partitions`` of asset ``key`` that an earlier attempt of this run has already materialized.

    Also those of a run whose process was lost, if the daemon has sent this one in its place.
    """
    run = context.run
    sent_again = run.tags.get(AUTOMATIC_RETRY, "0") != "0"
    if context.retry_number == 0 and not sent_again:
        return set()
    attempts = {run.run_id} | ({run.parent_run_id, run.root_run_id} if sent_again else set())
    wanted = dg.AssetRecordsFilter(key, asset_partitions=partitions)
    most = 10 * len(partitions)
    records = retry_while_down(lambda: context.instance.fetch_materializations(wanted, limit=most).records)
    return {str(record.partition_key) for record in records if record.run_id in attempts}


def latest_versions(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, str]:
    """The data version of the latest materialization of each partition of asset ``key``."""
    found = retry_while_down(
        lambda: instance.event_log_storage.get_latest_tags_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION]
        )
    )
    return {partition: tags[DATA_VERSION] for partition, tags in found.items()}


def latest_version(instance: dg.DagsterInstance, key: dg.AssetKey) -> str | None:
    """The data version of the latest materialization of ``key``, of any of its partitions."""
    records = retry_while_down(lambda: instance.fetch_materializations(key, limit=1).records)
    return data_version(records[0]) if records else None


def data_version(record: dg.EventLogRecord) -> str | None:
    """The data version that a materialization was given."""
    made = record.asset_materialization
    return (made.tags or {}).get(DATA_VERSION) if made else None
