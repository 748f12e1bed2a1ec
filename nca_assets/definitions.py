"""The code location, loaded by Dagster."""

import dagster as dg

from nca_assets.orchestration.assets.analytics import analytics
from nca_assets.orchestration.assets.baselines import long_horizon_baselines
from nca_assets.orchestration.assets.centroids import centroids
from nca_assets.orchestration.assets.checks import checks
from nca_assets.orchestration.assets.collections import collections
from nca_assets.orchestration.assets.data_state import data_state
from nca_assets.orchestration.assets.explorer import explorer
from nca_assets.orchestration.assets.figures import figures
from nca_assets.orchestration.assets.imported import imported
from nca_assets.orchestration.assets.jobs import jobs, sensors
from nca_assets.orchestration.assets.published import dataset_card, published_dataset
from nca_assets.orchestration.assets.rollouts import rollouts
from nca_assets.orchestration.backfill.top_up import schedules

defs = dg.Definitions(
    assets=dg.with_source_code_references(
        [
            centroids,
            rollouts,
            data_state,
            imported,
            analytics,
            collections,
            long_horizon_baselines,
            figures,
            explorer,
            dataset_card,
            published_dataset,
        ]
    ),
    asset_checks=checks,
    jobs=jobs,
    schedules=schedules,
    sensors=sensors,
    # One process per run, so that imports and device setup are paid for once.
    executor=dg.in_process_executor,
)
