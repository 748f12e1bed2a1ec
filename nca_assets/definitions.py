"""The code location: everything that Dagster loads."""

import dagster as dg

from nca_assets.assets.analytics import analytics
from nca_assets.assets.behavior_labels import behavior_labels
from nca_assets.assets.centroids import centroids
from nca_assets.assets.collections import collections
from nca_assets.assets.imported import imported_labels, imported_shards
from nca_assets.assets.rollout_shards import rollout_shards
from nca_assets.automation.checks import checks
from nca_assets.automation.jobs import jobs

defs = dg.Definitions(
    assets=[centroids, rollout_shards, behavior_labels, imported_shards, imported_labels, analytics, collections],
    asset_checks=checks,
    jobs=jobs,
    # One process a run: the device session and the imports are paid for once.
    executor=dg.in_process_executor,
)
