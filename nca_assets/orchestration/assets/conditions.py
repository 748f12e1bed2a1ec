"""When assets are materialized automatically, once automation is switched on in the UI.

Not here: missing partitions (``top_up``), since Dagster's conditions would request all of them at once.
"""

import dagster as dg

FOLLOWS = (
    # data_state changes with every shard and label, so it would also trigger assets that read only one of the two.
    dg.AutomationCondition.any_deps_updated().ignore(dg.AssetSelection.assets("data_state")).since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("an upstream asset has changed, and none is being materialized")
"""Waits for upstream backfills to finish, so that a table is built once after many shards, not once per shard."""
