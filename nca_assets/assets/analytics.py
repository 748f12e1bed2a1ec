"""The warehouse's tables and views: ``data/nca.duckdb``, built as one file and swapped in whole."""

from collections.abc import Iterator

import dagster as dg

from nca_assets.assets.behavior_labels import behavior_labels
from nca_assets.assets.rollout_shards import rollout_shards
from nca_assets.automation.reporting import failures_in_one_line, table_schema
from nca_assets.naming import warehouse_file
from nca_assets.settings import load_settings, require_writable
from nca_assets.warehouse.catalog import TABLES, Table

TABLE_KEYS = {table.name: dg.AssetKey(["analytics", table.name]) for table in TABLES}
SOURCE_KEYS = {**TABLE_KEYS, "label_parts": behavior_labels.key, "manifests": rollout_shards.key}


def _spec(table: Table) -> dg.AssetSpec:
    return dg.AssetSpec(
        TABLE_KEYS[table.name],
        deps=[SOURCE_KEYS[source] for source in table.sources],
        description=f"{table.description}.\n\n```sql\n{table.sql}```",
        group_name="analytics",
        kinds={"duckdb", table.kind.lower()},
        code_version=table.version,
        metadata={"dagster/column_schema": table_schema(table.columns), "dagster/table_name": table.name},
    )


@dg.multi_asset(specs=[_spec(table) for table in TABLES], pool="warehouse")
def analytics() -> Iterator[dg.MaterializeResult]:
    """Rebuild the warehouse from all label parts and manifests, and publish it with one rename."""
    from nca_assets.warehouse.build import build_warehouse

    with failures_in_one_line():
        settings = load_settings()
        require_writable(settings.data)
        built = build_warehouse(settings.data)
    for name, table in built.items():
        yield dg.MaterializeResult(
            asset_key=TABLE_KEYS[name],
            data_version=dg.DataVersion(table.digest),
            metadata={
                "dagster/row_count": table.rows,
                "bytes of the warehouse": warehouse_file(settings.data).stat().st_size,
                "path": dg.MetadataValue.path(warehouse_file(settings.data)),
            },
        )
