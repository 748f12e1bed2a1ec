"""One version for all partitions together, which everything that reads all of them depends on.

Dagster compares the versions of an asset's inputs, but silently gives up at 100 partitions or more. So this asset's
data version is a digest of all their data versions, reported at the end of each run that makes partitions. During such
a run, and after one that was killed, the version is a marker instead: no table that was built before looks fresh.
"""

import hashlib
from collections.abc import Mapping

import dagster as dg

from nca_assets.orchestration.assets.about import OWNERS, documents
from nca_assets.orchestration.assets.partition_specs import IMPORTED_LABELS, IMPORTED_SHARDS, LABELS, SHARDS
from nca_assets.orchestration.partitions.events import Reporter, latest_version, latest_versions
from nca_assets.workers.stages import Artifact

CODE = "2"

CHANGING = "changing"
"""What the data version begins with while partitions are being made."""

PARTITIONED = [SHARDS.key, LABELS.key, IMPORTED_SHARDS.key, IMPORTED_LABELS.key]


@dg.asset(
    deps=PARTITIONED,
    group_name="labels",
    kinds={"python"},
    code_version=CODE,
    owners=OWNERS,
    metadata=documents("ARCHITECTURE.md"),
)
def data_state(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The state of all shards and labels together: a digest of their data versions, brought up to date by each run."""
    digest, counts = _state_of_partitions(context.instance)
    return dg.MaterializeResult(data_version=dg.DataVersion(digest), metadata=counts)


def report_change(reporter: Reporter, by: str) -> None:
    """Report, before a partition is reported, that partitions are changing, unless that was the last report."""
    if not (latest_version(reporter.instance, data_state.key) or "").startswith(CHANGING):
        _report(reporter, f"{CHANGING} by {by}", {})


def report_data_state(reporter: Reporter) -> None:
    """Report the state of all partitions, unless it is what was reported last.

    Asked again after each report, so that of two that report at once the later one has seen every partition.
    """
    digest, counts = _state_of_partitions(reporter.instance)
    while digest != latest_version(reporter.instance, data_state.key):
        _report(reporter, digest, counts)
        digest, counts = _state_of_partitions(reporter.instance)


def _report(reporter: Reporter, version: str, counts: Mapping[str, int]) -> None:
    inputs = {key.to_user_string(): latest_version(reporter.instance, key) or "INITIAL" for key in PARTITIONED}
    reporter.materialization(data_state.key, None, Artifact(version, CODE, inputs, counts))


def _state_of_partitions(instance: dg.DagsterInstance) -> tuple[str, dict[str, int]]:
    """The digest, and the number of partitions by asset."""
    state, counts = hashlib.sha256(), {}
    for key in PARTITIONED:
        versions = latest_versions(instance, key)
        counts[key.to_user_string().replace("_", " ")] = len(versions)
        for partition, version in sorted(versions.items()):
            state.update(f"{key.to_user_string()} {partition} {version}\n".encode())
    return state.hexdigest(), counts
