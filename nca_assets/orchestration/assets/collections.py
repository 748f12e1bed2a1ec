"""Collections: frozen query results, one partition per name."""

import time
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId
from nca_assets.orchestration.assets.about import OWNERS, documents
from nca_assets.orchestration.assets.analytics import TABLE_KEYS
from nca_assets.orchestration.partitions.keys import collection_partitions
from nca_assets.orchestration.reporting import inline_picture, seconds_since, working

if TYPE_CHECKING:
    from nca_assets.data_folder import DataFolder
    from nca_assets.warehouse.collections import Collection

SHEET_ROLLOUTS = 6
ANIMATED_FRAMES = 24
"""Frames of the animation; few, since Dagster's event log stores it."""


class Freeze(dg.Config):
    """The query to freeze, and how to sample its result."""

    query: str = Field(default="", description="Query with a column rollout_id; empty repeats the latest version's.")
    by: str = Field(default="behavior", description="Column of labels to sample by.")
    each: int | None = Field(default=None, description="Balanced sample: this many rollouts per value of the column.")
    total: int | None = Field(default=None, description="Stratified sample: this many rollouts, in proportion.")
    seed: int = Field(default=0, description="Seed of the sample.")
    size: int | None = Field(default=None, description="Illuminated choice: this many rollouts over a grid of labels.")
    axes: list[str] = Field(default=[], description="Axes of that grid; empty for the standard ones.")


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
    """Named, versioned selections of rollouts (`nca collect NAME QUERY`): ids and digests, with the query behind them.

    Rematerializing without a query repeats the latest version's query on the current warehouse; a new version is
    written only if the result has changed.
    """
    from nca_assets.figures.examples import titled
    from nca_assets.figures.palette import colored, colors_of
    from nca_assets.figures.sheet import contact_sheet, moving_sheet
    from nca_assets.shards.rollouts import rollout_tokens
    from nca_assets.warehouse.collections import freeze, read_collection
    from nca_assets.warehouse.illumination import AXES, Illumination
    from nca_assets.warehouse.sql_text import Sampling

    started = time.perf_counter()
    with working(context) as (project, data):
        name = context.partition_key
        if config.size and (config.each or config.total):
            raise NcaError("give a collection one of each, total and size")
        if config.query:
            sampling = Sampling(by=config.by, each=config.each, total=config.total, seed=config.seed)
            choice = Illumination(config.size, tuple(config.axes) or AXES) if config.size else sampling
            frozen = freeze(name, config.query, data, choice)
        else:
            latest = read_collection(name, data)
            frozen = freeze(name, latest.query, data, latest.sampling)
        ids = sorted(frozen.rollouts)
        some = [RolloutId.parse(name) for name in ids[:: -(-len(ids) // SHEET_ROLLOUTS)]]
        rollouts = [
            colored(rollout_tokens(rollout, data, project.resources), colors_of(rollout.set, data)) for rollout in some
        ]
        names = [titled(rollout, data).replace(", ", "\n") for rollout in some]
        shortest = min(len(tokens) for tokens in rollouts)
        grid = {}
        if isinstance(frozen.sampling, Illumination):
            grid = _illuminated(frozen, frozen.sampling.axes, data)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(frozen.digest),
        metadata={
            "contact sheet": inline_picture(contact_sheet(rollouts, (shortest // 8, shortest - 1), names)),
            "animation": inline_picture(
                moving_sheet(rollouts[:3], range(shortest - ANIMATED_FRAMES, shortest), names[:3]), "gif"
            ),
            "version": frozen.version,
            "query": dg.MetadataValue.md(f"```sql\n{frozen.query}\n```"),
            "sampling": str(frozen.sampling),
            "dagster/partition_row_count": len(frozen.rollouts),
            "seconds": seconds_since(started),
            "digest": frozen.digest,
            "path": dg.MetadataValue.path(str(frozen.file)),
            **grid,
        },
    )


def _illuminated(frozen: "Collection", axes: tuple[str, ...], data: "DataFolder") -> dict[str, Any]:
    """Draw an illuminated collection on its grid, ``data/figures/illuminated_NAME``, and count its cells."""
    from nca_assets.figures.catalog import Figure
    from nca_assets.figures.illumination import illumination
    from nca_assets.warehouse.illumination import coverage

    covered = coverage(frozen.query, axes, frozen.rollouts, data)
    name, caption = f"illuminated_{frozen.name}", f"The collection {frozen.name} on its grid"
    picture = Figure(name, caption, ("labels",), lambda data: illumination(frozen, covered, data)).make(data)
    return {
        "grid": inline_picture(picture.small),
        "axes": ", ".join(covered.axes),
        "cells filled": covered.filled,
        "cells of the query": covered.occupied,
        "cells of as many at random": covered.at_random(len(frozen.rollouts), seed=0),
    }
