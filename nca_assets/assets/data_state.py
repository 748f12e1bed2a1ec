"""One data version for all partitions together, for assets that read all of them.

Dagster compares the versions of an asset's inputs, but silently gives up at 100 partitions or more. So each run that
makes partitions ends by materializing this asset, whose data version is a digest of all their data versions.
"""

import hashlib

import dagster as dg

from nca_assets.assets.rollout_specs import LABELS, SHARDS
from nca_assets.automation.about import OWNERS, documents
from nca_assets.automation.partition_events import latest_versions, report_materialization


@dg.asset(
    deps=[SHARDS.key, LABELS.key],
    group_name="labels",
    code_version="1",
    owners=OWNERS,
    metadata=documents("ARCHITECTURE.md"),
)
def data_state(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The combined state of all shards and labels: a digest of their data versions, updated by every run."""
    return dg.MaterializeResult(data_version=dg.DataVersion(_current_state(context.instance)))


def report_data_state(context: dg.AssetExecutionContext) -> None:
    """Report the combined state of all partitions, from a run that made some of them."""
    [spec] = data_state.specs
    report_materialization(context, spec, None, _current_state(context.instance), {})


def _current_state(instance: dg.DagsterInstance) -> str:
    state = hashlib.sha256()
    for key in (SHARDS.key, LABELS.key):
        for partition, version in sorted(latest_versions(instance, key).items()):
            state.update(f"{key.to_user_string()} {partition} {version}\n".encode())
    return state.hexdigest()
