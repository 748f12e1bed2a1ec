"""Collections: answers of queries, frozen; a partition a name."""

import time

import dagster as dg
from pydantic import Field

from nca_assets.ids import RolloutId
from nca_assets.orchestration.assets.about import OWNERS, documents
from nca_assets.orchestration.assets.analytics import TABLE_KEYS
from nca_assets.orchestration.partitions.keys import collection_partitions
from nca_assets.orchestration.reporting import inline_picture, seconds_since, working

SHEET_ROLLOUTS = 6
MOVING = 24
"""Frames of the animation; Dagster keeps it, so it is a short one."""


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

    Materialized again without a query, the latest version's is asked of the current warehouse; the same answer makes no
    new version.
    """
    from nca_assets.figures.contact_sheet import contact_sheet, moving_sheet
    from nca_assets.figures.palette import colored, colors_of
    from nca_assets.shards.rollouts import rollout_tokens
    from nca_assets.warehouse.collections import freeze, read_collection
    from nca_assets.warehouse.sql_text import Sampling

    started = time.perf_counter()
    with working(context) as (project, data):
        name = context.partition_key
        if config.query:
            sampling = Sampling(by=config.by, each=config.each, total=config.total, seed=config.seed)
            frozen = freeze(name, config.query, data, sampling)
        else:
            latest = read_collection(name, data)
            frozen = freeze(name, latest.query, data, latest.sampling)
        ids = sorted(frozen.rollouts)
        some = [RolloutId.parse(name) for name in ids[:: -(-len(ids) // SHEET_ROLLOUTS)]]
        rollouts = [
            colored(rollout_tokens(rollout, data, project.resources), colors_of(rollout.set, data)) for rollout in some
        ]
        shortest = min(len(tokens) for tokens in rollouts)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(frozen.digest),
        metadata={
            "contact sheet": inline_picture(contact_sheet(rollouts, frames=(shortest // 8, shortest - 1))),
            "animation": inline_picture(moving_sheet(rollouts[:3], range(shortest - MOVING, shortest)), "gif"),
            "version": frozen.version,
            "query": dg.MetadataValue.md(f"```sql\n{frozen.query}\n```"),
            "sampling": str(frozen.sampling),
            "dagster/partition_row_count": len(frozen.rollouts),
            "seconds": seconds_since(started),
            "digest": frozen.digest,
            "path": dg.MetadataValue.path(str(frozen.file)),
        },
    )
