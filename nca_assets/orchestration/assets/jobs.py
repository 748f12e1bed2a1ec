"""Jobs, each a selection of assets and the pod they need; and the sensor that launches what follows."""

import dagster as dg

from nca_assets.orchestration.assets.analytics import SCORE_TABLES, TABLE_KEYS
from nca_assets.orchestration.assets.pods import BUILDS_WAREHOUSE, PUBLISHES, READS_WAREHOUSE, TRAINS

vocabulary_job = dg.define_asset_job(
    "learn_vocabulary",
    selection=dg.AssetSelection.assets("centroids"),
    description="Learn the vocabulary, or check an imported one.",
)

shard_job = dg.define_asset_job(
    "make_shard",
    selection=dg.AssetSelection.assets("rollout_shards", "behavior_labels"),
    description="Simulate a shard of rollouts and label it.",
)

analytics_job = dg.define_asset_job(
    "build_analytics",
    selection=dg.AssetSelection.key_prefixes("analytics"),
    description="Rebuild and publish the DuckDB warehouse.",
    tags=BUILDS_WAREHOUSE,
)

import_job = dg.define_asset_job(
    "import_shard",
    selection=dg.AssetSelection.assets("imported_shards", "imported_labels"),
    description="Register and label one imported file.",
    tags=READS_WAREHOUSE,
)

collection_job = dg.define_asset_job(
    "freeze_collection",
    selection=dg.AssetSelection.assets("collections"),
    description="Freeze the result of a query as a collection.",
    tags=READS_WAREHOUSE,
)

collection_tables_job = dg.define_asset_job(
    "build_collection_tables",
    selection=dg.AssetSelection.assets(["analytics", "collections"], ["analytics", "collection_rollouts"]),
    description="Rebuild the warehouse's collection tables only.",
    tags=BUILDS_WAREHOUSE,
)

baselines_job = dg.define_asset_job(
    "score_baselines",
    selection=dg.AssetSelection.assets("long_horizon_baselines"),
    description="Train and score the baselines of the long-horizon task.",
    tags=TRAINS,
)

score_tables_job = dg.define_asset_job(
    "build_score_tables",
    selection=dg.AssetSelection.assets(*(TABLE_KEYS[name] for name in SCORE_TABLES)),
    description="Rebuild the warehouse's score tables only.",
    tags=BUILDS_WAREHOUSE,
)

figures_job = dg.define_asset_job(
    "draw_figures",
    selection=dg.AssetSelection.groups("figures") | dg.AssetSelection.assets("dataset_card"),
    description="Draw all figures, and write the explorer and the dataset card.",
    tags=READS_WAREHOUSE,
)

publish_job = dg.define_asset_job(
    "publish_dataset",
    selection=dg.AssetSelection.assets("published_dataset"),
    description="Write the dataset as a folder for the Hugging Face hub.",
    tags=PUBLISHES,
)

jobs = [
    vocabulary_job,
    shard_job,
    analytics_job,
    import_job,
    collection_job,
    collection_tables_job,
    baselines_job,
    score_tables_job,
    figures_job,
    publish_job,
]

sensors = [
    # As Dagster's own, but what it launches are mostly tables.
    dg.AutomationConditionSensorDefinition(
        "default_automation_condition_sensor", target=dg.AssetSelection.all(), run_tags=BUILDS_WAREHOUSE
    )
]
