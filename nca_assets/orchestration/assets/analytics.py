"""The warehouse's tables and views: ``data/nca.duckdb``, built as one file and swapped in whole."""

import time
from collections.abc import Iterator

import dagster as dg

from nca_assets.orchestration.assets.about import OWNERS, documents
from nca_assets.orchestration.assets.centroids import centroids
from nca_assets.orchestration.assets.conditions import FOLLOWS
from nca_assets.orchestration.assets.data_state import data_state, report_data_state
from nca_assets.orchestration.assets.partition_specs import IMPORTED_LABELS, IMPORTED_SHARDS, LABELS, SHARDS
from nca_assets.orchestration.partitions.events import Reporter
from nca_assets.orchestration.reporting import seconds_since, table_schema, working
from nca_assets.warehouse.catalog import TABLES
from nca_assets.warehouse.table import Table

TABLE_KEYS = {table.name: dg.AssetKey(["analytics", table.name]) for table in TABLES}

SCORE_TABLES = ("horizon_scores", "long_horizon_scores", "long_horizon_boards", "long_horizon_leaderboard")

GROUPS = {
    **dict.fromkeys(("collections", "collection_rollouts"), "collections"),
    **dict.fromkeys(SCORE_TABLES, "tasks"),
    **dict.fromkeys(("label_parts", "shards", "materializations", "current_materializations"), "tracking"),
    **dict.fromkeys(("stale_partitions", "snapshot"), "tracking"),
}
"""The groups of tables that are not simply analytics. No group may need what another makes from it, directly or not,
or the graph of groups in the UI has circles."""

SOURCE_KEYS = {name: [key] for name, key in TABLE_KEYS.items()} | {
    "label_files": [LABELS.key, IMPORTED_LABELS.key, data_state.key],
    "curve_sum_files": [LABELS.key, IMPORTED_LABELS.key, data_state.key],
    "manifests": [SHARDS.key, IMPORTED_SHARDS.key, data_state.key],
    "collection_files": [dg.AssetKey("collections")],
    "score_files": [dg.AssetKey("long_horizon_baselines")],
    "board_files": [dg.AssetKey("long_horizon_baselines")],
    # The event log is not an asset, but any news in it comes with an event of one of these.
    "history_files": [centroids.key, SHARDS.key, LABELS.key, data_state.key, IMPORTED_SHARDS.key, IMPORTED_LABELS.key],
}
"""The assets behind each source of a table."""


def _spec(table: Table) -> dg.AssetSpec:
    return dg.AssetSpec(
        TABLE_KEYS[table.name],
        deps=[key for source in table.sources for key in SOURCE_KEYS[source]],
        description=f"{table.description}.",
        group_name=GROUPS.get(table.name, "analytics"),
        kinds={"duckdb", table.kind.lower()},
        code_version=table.version,
        automation_condition=FOLLOWS,
        skippable=True,
        owners=OWNERS,
        metadata={
            "dagster/column_schema": table_schema(table.columns),
            "dagster/table_name": table.name,
            "sql": dg.MetadataValue.md(f"```sql\n{table.sql}```"),
            **documents("SQL.md"),
        },
    )


@dg.multi_asset(specs=[_spec(table) for table in TABLES], can_subset=True, pool="warehouse")
def analytics(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Rebuild all or selected tables of the DuckDB warehouse, then swap the new file in with one rename."""
    from nca_assets.orchestration.assets.column_lineage import as_table, column_lineage
    from nca_assets.orchestration.instance.history import copy_history
    from nca_assets.warehouse.build import build_warehouse

    started = time.perf_counter()
    with working(context) as (_, data):
        report_data_state(Reporter(context.instance, context.log_event))
        copy_history(context.instance, data)
        selected = [name for name, key in TABLE_KEYS.items() if key in context.selected_asset_keys]
        built = build_warehouse(data, selected)
    for name, table in built.items():
        lineage = column_lineage(name)
        yield dg.MaterializeResult(
            asset_key=TABLE_KEYS[name],
            data_version=dg.DataVersion(table.digest),
            metadata={
                "dagster/row_count": table.rows,
                "dagster/column_lineage": lineage,
                "columns": as_table(lineage),
                "seconds": seconds_since(started),
                "bytes of the warehouse": data.warehouse_file().stat().st_size,
                "path": dg.MetadataValue.path(str(data.warehouse_file())),
            },
        )
