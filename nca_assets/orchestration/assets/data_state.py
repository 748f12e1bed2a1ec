"""One version for all partitions together, which what reads them all depends on.

Dagster compares the versions of an asset's inputs, but silently gives up when these are 100 partitions or more. So each
run that makes partitions ends by materializing this asset: its data version is a digest of all their data versions.
"""

import hashlib

import dagster as dg

from nca_assets.orchestration.assets.about import OWNERS, documents
from nca_assets.orchestration.assets.rollout_specs import LABELS, SHARDS
from nca_assets.orchestration.partitions.events import latest_versions, report_materialization


@dg.asset(
    deps=[SHARDS.key, LABELS.key],
    group_name="labels",
    kinds={"python"},
    code_version="1",
    owners=OWNERS,
    metadata=documents("ARCHITECTURE.md"),
)
def data_state(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The state of all shards and labels together: a digest of their data versions, brought up to date by each run."""
    digest, counts = _current_state(context.instance)
    return dg.MaterializeResult(data_version=dg.DataVersion(digest), metadata=counts)


def report_data_state(context: dg.AssetExecutionContext) -> None:
    """Say, from a run that made partitions, what state all of them are in."""
    [spec] = data_state.specs
    report_materialization(context, spec, None, *_current_state(context.instance))


def _current_state(instance: dg.DagsterInstance) -> tuple[str, dict[str, int]]:
    """The digest, and how many partitions of each asset it is of."""
    state, counts = hashlib.sha256(), {}
    for key, what in ((SHARDS.key, "shards"), (LABELS.key, "label parts")):
        versions = latest_versions(instance, key)
        counts[what] = len(versions)
        for partition, version in sorted(versions.items()):
            state.update(f"{key.to_user_string()} {partition} {version}\n".encode())
    return state.hexdigest(), counts
