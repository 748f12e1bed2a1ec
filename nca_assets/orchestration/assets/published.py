"""Publishing: the dataset card, and the dataset as a folder for the Hugging Face hub."""

import time

import dagster as dg
from pydantic import Field

from nca_assets.orchestration.assets.about import COSTLY, OWNERS, documents
from nca_assets.orchestration.assets.analytics import TABLE_KEYS
from nca_assets.orchestration.assets.conditions import FOLLOWS
from nca_assets.orchestration.assets.data_state import data_state
from nca_assets.orchestration.assets.figures import FIGURE_KEYS
from nca_assets.orchestration.assets.partition_specs import LABELS, SHARDS
from nca_assets.orchestration.reporting import progress_in_log, seconds_since, working


@dg.asset(
    deps=[TABLE_KEYS["card_comparison"], TABLE_KEYS["behavior_summary"], TABLE_KEYS["long_horizon_leaderboard"]],
    group_name="publishing",
    kinds={"markdown"},
    code_version="1",
    automation_condition=FOLLOWS,
    owners=OWNERS,
    metadata=documents("PUBLISHING.md"),
)
def dataset_card(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The dataset card, with all numbers taken from the warehouse: `data/dataset_card.md`."""
    from nca_assets.publishing.card import write_card

    with working(context) as (_, data):
        text, digest = write_card(data)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(digest),
        metadata={
            "card": dg.MetadataValue.md(text.partition("\n---\n")[2]),
            "bytes": len(text.encode()),
            "path": dg.MetadataValue.path(str(data.card_file)),
        },
    )


class Publication(dg.Config):
    """What the published folder holds besides the Parquet files."""

    original_layout: bool = Field(default=False, description="Also write the shards as .npz and the labels as CSV.")
    collections: list[str] = Field(default=[], description="Collections to write with their tokens, as configs.")


@dg.asset(
    deps=[dataset_card, SHARDS.key, LABELS.key, data_state, *FIGURE_KEYS.values()],
    group_name="publishing",
    kinds={"huggingface", "parquet"},
    tags=COSTLY,
    code_version="2",
    owners=OWNERS,
    metadata=documents("PUBLISHING.md"),
)
def published_dataset(context: dg.AssetExecutionContext, config: Publication) -> dg.MaterializeResult:
    """The dataset as a folder for the Hugging Face hub: `data/published` (`nca publish --to FOLDER` for another)."""
    from nca_assets.publishing.publish import publish

    started = time.perf_counter()
    with working(context) as (_, data), progress_in_log(context, "publishing", "files") as progress:
        published = publish(data.published_folder, data, progress, config.original_layout, config.collections)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(published.digest),
        metadata={
            "files": published.files,
            "bytes": published.bytes,
            "seconds": seconds_since(started),
            "digest": published.digest,
            "path": dg.MetadataValue.path(str(published.folder)),
        },
    )
