"""Asset specs of the rollouts and their labels, which ``rollouts`` materializes."""

import dagster as dg

from nca_assets.assets.centroids import centroids
from nca_assets.automation.about import OWNERS, documents
from nca_assets.automation.conditions import FOLLOWS
from nca_assets.automation.reporting import table_schema
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION

SHARDS = dg.AssetSpec(
    "rollout_shards",
    deps=[centroids],
    description=(
        "Random-NCA rollouts as token shards: one `.npz` per partition, one array per rollout, (frames, height, width) "
        "uint8. Simulated on the GPU if there is one, else on the CPU, with identical bytes. The data version is the "
        "digest of the tokens, so rematerializing an unchanged partition makes nothing downstream stale."
    ),
    group_name="rollouts",
    kinds={"torch", "numpy"},
    code_version=f"recipe {RECIPE_VERSION}",
    owners=OWNERS,
    metadata=documents("SPEC.md", "CALIBRATION.md"),
    skippable=True,
)

LABELS = dg.AssetSpec(
    "behavior_labels",
    deps=[SHARDS.key, centroids],
    description=(
        "Behavior class and metrics of every rollout: one Parquet file per shard, "
        "`data/labels/set=1/shard=00000.parquet`. Curves over time are in `data/curves`. Damage is measured on a "
        "perturbed replica, simulated from the recipe."
    ),
    group_name="labels",
    kinds={"polars", "parquet"},
    code_version=f"recipe {RECIPE_VERSION}, labels {LABEL_VERSION}",
    owners=OWNERS,
    metadata={"dagster/column_schema": table_schema(LABEL_COLUMNS), **documents("LABELS.md")},
    automation_condition=FOLLOWS & ~dg.AutomationCondition.any_deps_missing(),
    skippable=True,
)
