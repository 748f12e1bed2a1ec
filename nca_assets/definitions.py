"""The code location, loaded by Dagster."""

import dagster as dg

from nca_assets.assets.analytics import analytics
from nca_assets.assets.baselines import long_horizon_baselines
from nca_assets.assets.centroids import centroids
from nca_assets.assets.checks import checks
from nca_assets.assets.collections import collections
from nca_assets.assets.data_state import data_state
from nca_assets.assets.explorer import explorer
from nca_assets.assets.figures import figures
from nca_assets.assets.imported import imported_labels, imported_shards
from nca_assets.assets.published import dataset_card, published_dataset
from nca_assets.assets.rollouts import rollouts
from nca_assets.automation.jobs import jobs
from nca_assets.automation.top_up import schedules

defs = dg.Definitions(
    assets=[
        centroids,
        rollouts,
        data_state,
        imported_shards,
        imported_labels,
        analytics,
        collections,
        long_horizon_baselines,
        figures,
        explorer,
        dataset_card,
        published_dataset,
    ],
    asset_checks=checks,
    jobs=jobs,
    schedules=schedules,
    # One process per run, so that imports and device setup are paid for once.
    executor=dg.in_process_executor,
)
