"""The figures: one asset each, all drawn from the warehouse by one op."""

import time
from collections.abc import Iterator

import dagster as dg

from nca_assets.figures.catalog import FIGURES, Figure
from nca_assets.orchestration.assets.about import OWNERS, documents
from nca_assets.orchestration.assets.analytics import TABLE_KEYS
from nca_assets.orchestration.assets.conditions import FOLLOWS
from nca_assets.orchestration.reporting import failures_in_one_line, inline_picture, seconds_since, working

FIGURE_KEYS = {figure.name: dg.AssetKey(["figures", figure.name]) for figure in FIGURES}


def _spec(figure: Figure) -> dg.AssetSpec:
    return dg.AssetSpec(
        FIGURE_KEYS[figure.name],
        deps=[TABLE_KEYS[table] for table in figure.tables],
        description=f"{figure.caption}; as PNG and SVG.",
        group_name="figures",
        kinds={"matplotlib"},
        code_version="3",
        automation_condition=FOLLOWS,
        skippable=True,
        owners=OWNERS,
        metadata=documents("FIGURES.md"),
    )


@dg.multi_asset(specs=[_spec(figure) for figure in FIGURES], can_subset=True)
def figures(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Draw all or selected figures."""
    with working(context) as (_, data):
        chosen = [figure for figure in FIGURES if FIGURE_KEYS[figure.name] in context.selected_asset_keys]
    for figure in chosen:
        started = time.perf_counter()
        with failures_in_one_line(context):
            picture = figure.make(data)
        yield dg.MaterializeResult(
            asset_key=FIGURE_KEYS[figure.name],
            data_version=dg.DataVersion(picture.digest),
            metadata={
                "figure": inline_picture(picture.small),
                "bytes": len(picture.png),
                "seconds": seconds_since(started),
                "path": dg.MetadataValue.path(str(figure.file("png", data))),
            },
        )
