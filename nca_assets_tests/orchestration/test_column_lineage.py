"""Columns of tables know the columns that they are computed from."""

import dagster as dg
import pytest

from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.orchestration.assets.column_lineage import as_table, column_lineage, origins_of
from nca_assets.warehouse.catalog import BY_NAME, TABLES

UNKNOWN = {"snapshot": {"version"}}
"""Columns whose SQL sqlglot can't follow: the version is of whole rows."""


@pytest.mark.parametrize("name", BY_NAME)
def test_the_origin_of_each_column_is_known(name: str) -> None:
    columns = {column.name for column in BY_NAME[name].columns}
    assert columns - origins_of(name).keys() == UNKNOWN.get(name, set())
    assert origins_of(name).keys() <= columns


@pytest.mark.parametrize("name", BY_NAME)
def test_what_a_column_is_from_is_there_and_a_source_of_its_table(name: str) -> None:
    """Views of a source count as the source."""
    sources = {*BY_NAME[name].sources, *(t.name for t in TABLES if set(t.sources) & set(BY_NAME[name].sources))}
    for origins in origins_of(name).values():
        for table, column in origins:
            assert table.rpartition(" ")[2] in sources | {"disk", "damaged", "current", "unreadable"}
            if table in BY_NAME:
                assert column in {known.name for known in BY_NAME[table].columns}


def test_labels_are_from_the_label_parts_column_by_column() -> None:
    found = column_lineage("labels").deps_by_column
    assert found == {
        column.name: [
            dg.TableColumnDep(dg.AssetKey(asset), column.name) for asset in ("behavior_labels", "imported_labels")
        ]
        for column in LABEL_COLUMNS
    }


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("behavior_summary", "origin", {("labels", "recipe_version"), ("labels", "set_name")}),
        ("behavior_summary", "rollouts", set()),  # count(*)
        ("phase_space", "volatility", {("labels", "late_change")}),
        ("shards", "tokens_per_second", {("manifests", name) for name in ("token_counts", "seconds", "source")}),
        ("long_horizon_scores", "skill", {("score_files", "skill")}),
        ("materializations", "inputs", {("history_files", "inputs"), ("history_files", "data_version")}),
        ("stale_partitions", "materialized_at", {("current_materializations", "time")}),
        ("label_parts", "rollouts", {("parquet_file_metadata of label_files", "num_rows")}),
        (
            "lag_similarity",
            "similarity",
            {("labels", column.name) for column in LABEL_COLUMNS if column.name.startswith("similarity_")},
        ),
    ],
)
def test_columns_are_followed_through_each_kind_of_sql(table: str, column: str, expected: set[tuple[str, str]]) -> None:
    assert origins_of(table)[column] == expected


def test_statistics_of_the_card_are_from_their_columns() -> None:
    found = origins_of("card_comparison")
    assert {("labels", "entropy_100"), ("token_frequency", "count")} <= found["ours"]
    assert found["statistic"] == set()


def test_origins_can_be_read() -> None:
    rows = str(as_table(column_lineage("phase_space")).value).splitlines()
    assert "| volatility | analytics/labels.late_change |" in rows
    assert "| cells | analytics/labels.height, analytics/labels.width |" in rows
