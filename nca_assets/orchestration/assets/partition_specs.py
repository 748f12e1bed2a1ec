"""The assets with a partition a shard, our own and imported; ``rollouts`` and ``imported`` make them."""

import dagster as dg

from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.orchestration.assets.about import COSTLY, OWNERS, documents
from nca_assets.orchestration.assets.centroids import centroids
from nca_assets.orchestration.assets.conditions import FOLLOWS
from nca_assets.orchestration.reporting import table_schema
from nca_assets.versions import IMPORT_CODE, LABEL_VERSION, RECIPE_VERSION, labels_code, shards_code

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
    tags=COSTLY,
    code_version=shards_code(RECIPE_VERSION),
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
    tags=COSTLY,
    code_version=labels_code(LABEL_VERSION, RECIPE_VERSION),
    owners=OWNERS,
    metadata={"dagster/column_schema": table_schema(LABEL_COLUMNS), **documents("LABELS.md")},
    automation_condition=FOLLOWS & ~dg.AutomationCondition.any_deps_missing(),
    skippable=True,
)

IMPORTED_SHARDS = dg.AssetSpec(
    "imported_shards",
    description=(
        "Other people's token shards (`nca import shards FOLDER`), registered where they lie: checked and digested, "
        "not claimed reproducible."
    ),
    group_name="imported",
    kinds={"numpy"},
    code_version=IMPORT_CODE,
    owners=OWNERS,
    metadata=documents("SPEC.md"),
    skippable=True,
)

IMPORTED_LABELS = dg.AssetSpec(
    "imported_labels",
    deps=[IMPORTED_SHARDS.key],
    description=(
        "Behavior class and metrics of imported rollouts. Metrics that need a recipe (damage, saturation, …) are null."
    ),
    group_name="imported",
    kinds={"polars", "parquet"},
    tags=COSTLY,
    code_version=labels_code(LABEL_VERSION, None),
    owners=OWNERS,
    metadata={"dagster/column_schema": table_schema(LABEL_COLUMNS), **documents("LABELS.md")},
    skippable=True,
)
