"""The baselines of the sparse long-horizon task: trained, scored and ranked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from nca_assets.orchestration.assets.about import COSTLY, OWNERS, documents
from nca_assets.orchestration.assets.analytics import TABLE_KEYS
from nca_assets.orchestration.reporting import (
    inline_picture,
    progress_in_log,
    rounded,
    seconds_since,
    table_schema,
    working,
)
from nca_assets.progress import Progress
from nca_assets.text import markdown_table
from nca_assets.warehouse.catalog import SCORE_COLUMNS

if TYPE_CHECKING:
    import polars as pl


@dg.asset(
    deps=[TABLE_KEYS["labels"], TABLE_KEYS["splits"]],
    group_name="tasks",
    kinds={"torch", "parquet"},
    tags=COSTLY,
    code_version="2",
    owners=OWNERS,
    metadata={"dagster/column_schema": table_schema(SCORE_COLUMNS), **documents("TRAINING.md")},
    pool="device",
)
def long_horizon_baselines(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Scores of baselines that predict frame 112 from frames 0, 16, 32 and 48, ranging from guessing to the true rule.

    Trained on the training split, scored on the test split; the table `long_horizon_leaderboard` has the means.
    """
    from nca_assets.figures.comparisons import leaderboard_chart
    from nca_assets.tasks.leaderboard import ORACLE, above_the_oracle, best_model, score_baselines

    @contextmanager
    def shown(what: str) -> Iterator[Progress]:
        context.log.info(what)
        with progress_in_log(context, what, "steps") as progress:
            yield progress

    started = time.perf_counter()
    with working(context) as (project, data):
        board = score_baselines(data, project.resources, shown)
    models = board.models
    entropies = dict(zip(models["model"], models["cross_entropy"], strict=True))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(board.digest),
        metadata={
            "chart": inline_picture(leaderboard_chart(entropies, ORACLE)),
            "leaderboard": _as_markdown(models, above_the_oracle(board.rows)),
            "best model": best_model(models),
            "cross-entropy of the best, nats per cell": rounded(entropies[best_model(models)]),
            "cross-entropy of the oracle, nats per cell": rounded(entropies[ORACLE]),
            "dagster/row_count": len(board.rows),
            "seconds": seconds_since(started),
            "digest": board.digest,
            "path": dg.MetadataValue.path(str(board.file)),
        },
    )


def _as_markdown(models: "pl.DataFrame", above: "pl.DataFrame") -> dg.MarkdownMetadataValue:
    """The mean scores, with each model's gap to the oracle and its standard error."""
    gaps = {
        name: f"{mean:.3f}" + (f" ± {error:.3f}" if error is not None else "") for name, mean, error in above.rows()
    }
    columns = [*models.columns, "above the oracle"]
    rows = (
        [name, rollouts, *("" if score is None else f"{score:.3f}" for score in scores), gaps.get(name, "")]
        for name, rollouts, *scores in models.iter_rows()
    )
    return dg.MetadataValue.md(markdown_table(columns, rows))
