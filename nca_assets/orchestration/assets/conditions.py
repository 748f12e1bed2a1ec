"""When an asset is materialized by itself, once automation is switched on in the UI.

Not here: filling what is missing (``top_up``), since Dagster's conditions ask for all of it at once.
"""

import dagster as dg

FOLLOWS = (
    # data_state changes with every shard and label, and would ask for what reads only one of them.
    dg.AutomationCondition.any_deps_updated().ignore(dg.AssetSelection.assets("data_state")).since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("something it is made from has changed, and nothing that it is made from is being made")
"""Waits while a backfill is at work upstream, so a table is built once after many shards, not once for each."""
