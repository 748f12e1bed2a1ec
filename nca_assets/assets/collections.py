"""Collections: answers of queries, frozen; a partition a name."""

import time

import dagster as dg
from pydantic import Field

from nca_assets.assets.analytics import TABLE_KEYS
from nca_assets.automation.about import OWNERS, documents
from nca_assets.automation.partitions import collection_partitions
from nca_assets.automation.reporting import failures_in_one_line
from nca_assets.settings import load_settings, require_writable


class Freeze(dg.Config):
    """What to freeze."""

    query: str = Field(default="", description="Query with a column rollout_id; empty for that of the latest version.")
    by: str = Field(default="behavior", description="Column of labels to sample by.")
    each: int | None = Field(default=None, description="Take this many of each value of the column.")
    total: int | None = Field(default=None, description="Take this many of all, in proportion by the column.")
    seed: int = Field(default=0, description="Another seed takes other rollouts.")


@dg.asset(
    deps=[TABLE_KEYS["labels"]],
    partitions_def=collection_partitions,
    group_name="collections",
    kinds={"duckdb", "parquet"},
    code_version="1",
    owners=OWNERS,
    metadata=documents("SQL.md"),
)
def collections(context: dg.AssetExecutionContext, config: Freeze) -> dg.MaterializeResult:
    """Named, versioned sets of rollouts (`nca collect NAME QUERY`): ids and digests, with the query that chose them.

    Materialized again without a query, the latest version's is asked of the present warehouse; the same answer makes no
    new version.
    """
    from nca_assets.warehouse.collections import Sampling, freeze, read_collection

    started = time.perf_counter()
    with failures_in_one_line(context):
        data = load_settings().data
        require_writable(data)
        name = context.partition_key
        if config.query:
            sampling = Sampling(by=config.by, each=config.each, total=config.total, seed=config.seed)
            frozen = freeze(name, config.query, data, sampling)
        else:
            latest = read_collection(name, data)
            frozen = freeze(name, latest.query, data, latest.sampling)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(frozen.digest),
        metadata={
            "version": frozen.version,
            "query": dg.MetadataValue.md(f"```sql\n{frozen.query}\n```"),
            "sampling": str(frozen.sampling),
            "dagster/partition_row_count": len(frozen.rollouts),
            "seconds": time.perf_counter() - started,
            "digest": frozen.digest,
            "path": dg.MetadataValue.path(frozen.file),
        },
    )
