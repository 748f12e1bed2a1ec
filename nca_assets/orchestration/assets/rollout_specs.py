"""What the rollouts and their labels are as assets; ``rollouts`` makes them."""

import dagster as dg

from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.orchestration.assets.about import COSTLY, OWNERS, documents
from nca_assets.orchestration.assets.centroids import centroids
from nca_assets.orchestration.assets.conditions import FOLLOWS
from nca_assets.orchestration.reporting import table_schema
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION

SHARDS = dg.AssetSpec(
    "rollout_shards",
    deps=[centroids],
    description=(
        "Random-NCA rollouts as token shards: one `.npz` a partition, one member a rollout, (frames, height, width) "
        "uint8. Simulated on the GPU when there is one, else on the CPU: the same bytes. The data version is the "
        "digest of the tokens, so materializing an unchanged partition again leaves everything downstream fresh."
    ),
    group_name="rollouts",
    kinds={"torch", "numpy"},
    tags=COSTLY,
    code_version=f"recipe {RECIPE_VERSION}",
    owners=OWNERS,
    metadata=documents("SPEC.md", "CALIBRATION.md"),
    skippable=True,
)

LABELS = dg.AssetSpec(
    "behavior_labels",
    deps=[SHARDS.key, centroids],
    description=(
        "Behavior class and metrics of every rollout: a Parquet part a shard, `data/labels/set=1/shard=00000.parquet`. "
        "Its curves over time lie beside, in `data/curves`. The replica whose damage is measured is simulated from the "
        "recipe."
    ),
    group_name="labels",
    kinds={"polars", "parquet"},
    tags=COSTLY,
    code_version=f"recipe {RECIPE_VERSION}, labels {LABEL_VERSION}",
    owners=OWNERS,
    metadata={"dagster/column_schema": table_schema(LABEL_COLUMNS), **documents("LABELS.md")},
    automation_condition=FOLLOWS & ~dg.AutomationCondition.any_deps_missing(),
    skippable=True,
)
