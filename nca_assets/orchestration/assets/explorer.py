"""The explorer: one HTML file that computes any rollout, with the labels of some, without a server."""

import time

import dagster as dg

from nca_assets.orchestration.assets.about import OWNERS, documents
from nca_assets.orchestration.assets.analytics import TABLE_KEYS
from nca_assets.orchestration.assets.conditions import FOLLOWS
from nca_assets.orchestration.reporting import progress_in_log, seconds_since, working


@dg.asset(
    deps=[TABLE_KEYS["labels"], TABLE_KEYS["splits"], TABLE_KEYS["collection_rollouts"]],
    group_name="figures",
    kinds={"html"},
    code_version="5",
    automation_condition=FOLLOWS,
    owners=OWNERS,
    metadata=documents("FIGURES.md"),
)
def explorer(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """A page that computes any rollout from its name, with the labels of up to 2,000: `data/explorer.html`."""
    from nca_assets.explorer.page import write_explorer
    from nca_assets.explorer.selection import explored

    started = time.perf_counter()
    with working(context) as (_, data), progress_in_log(context, "explorer", "rollouts") as progress:
        file = data.explorer_file
        written = write_explorer(explored(data), file, progress)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(written.digest),
        metadata={
            "dagster/row_count": written.rollouts,
            "bytes": written.bytes,
            "seconds": seconds_since(started),
            "digest": written.digest,
            "path": dg.MetadataValue.path(str(file)),
        },
    )
