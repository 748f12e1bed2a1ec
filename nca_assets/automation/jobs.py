"""Jobs: the three runs that make the chain, each a selection of assets."""

import dagster as dg

vocabulary_job = dg.define_asset_job(
    "learn_vocabulary", selection=dg.AssetSelection.assets("centroids"), description="Learn or check the vocabulary."
)

shard_job = dg.define_asset_job(
    "make_shard",
    selection=dg.AssetSelection.assets("rollout_shards", "behavior_labels"),
    description="Simulate one shard and label it.",
)

analytics_job = dg.define_asset_job(
    "build_analytics",
    selection=dg.AssetSelection.key_prefixes("analytics"),
    description="Rebuild and publish the DuckDB warehouse.",
)

jobs = [vocabulary_job, shard_job, analytics_job]
