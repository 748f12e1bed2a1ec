"""The baselines of the sparse long-horizon task: trained, scored and ranked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

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
from nca_assets.store.store import whole_file
from nca_assets.text import markdown_table
from nca_assets.warehouse.catalog import SCORE_COLUMNS


@dg.asset(
    deps=[TABLE_KEYS["labels"], TABLE_KEYS["splits"]],
    group_name="tasks",
    kinds={"torch", "parquet"},
    tags=COSTLY,
    code_version="3",
    owners=OWNERS,
    metadata={"dagster/column_schema": table_schema(SCORE_COLUMNS), **documents("TRAINING.md")},
    pool="device",
)
def long_horizon_baselines(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Scores of baselines that predict frame 112 from frames 0, 16, 32 and 48, from guessing to a transformer.

    Trained on the whole training split with three seeds, scored on the test split, beside the floor: what knowing the
    rule and the hidden state would allow. What an interrupted run has scored is kept.
    """
    import polars as pl

    from nca_assets.figures.models import horizon_curve, leaderboard
    from nca_assets.tasks.boards import as_texts
    from nca_assets.tasks.floor import FLOOR
    from nca_assets.tasks.leaderboard import score_baselines
    from nca_assets.tasks.long_horizon import TASK

    @contextmanager
    def shown(what: str) -> Iterator[Progress]:
        context.log.info(what)
        with progress_in_log(context, what, "steps") as progress:
            yield progress

    started = time.perf_counter()
    with working(context) as (project, data):
        board = score_baselines(data, project.resources, shown)
    pictures = {"leaderboard": leaderboard(board.boards), "horizon_curve": horizon_curve(board.boards)}
    for name, picture in pictures.items():
        for suffix, content in (("png", picture.png), ("svg", picture.svg)):
            with whole_file(data.figure_file(name, suffix)) as file:
                file.write(content)
    models = board.boards.filter(board="all", horizon=TASK)
    best = models.filter(pl.col("model") != FLOOR).row(0, named=True)
    [floor] = models.filter(model=FLOOR).to_dicts()
    return dg.MaterializeResult(
        data_version=dg.DataVersion(board.digest),
        metadata={
            **{name.replace("_", " "): inline_picture(picture.small) for name, picture in pictures.items()},
            "scores": dg.MetadataValue.md(markdown_table(*as_texts(models))),
            "best model": best["model"],
            "cross-entropy of the best, nats per cell": rounded(best["cross_entropy"]),
            "floor, nats per cell": rounded(floor["cross_entropy"]),
            "training rollouts": best["trained_on"] or 0,
            "test rollouts": best["rollouts"],
            "dagster/row_count": len(board.rows),
            "seconds": seconds_since(started),
            "digest": board.digest,
            "path": dg.MetadataValue.path(str(board.file)),
        },
    )
