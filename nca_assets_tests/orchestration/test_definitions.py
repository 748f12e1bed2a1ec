"""The code location loads, and every way of finding it agrees."""

import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import dagster as dg
import pytest
import yaml

from nca_assets.definitions import defs
from nca_assets.labels.table import POLARS_TYPES
from nca_assets.orchestration.partitions.keys import shard_partitions
from nca_assets.warehouse.catalog import TABLES
from nca_assets_tests.conftest import PROJECT


def test_the_definitions_are_loadable() -> None:
    dg.Definitions.validate_loadable(defs)


def test_workspace_and_pyproject_name_the_same_location() -> None:
    workspace = yaml.safe_load((PROJECT / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    assert workspace["module_name"] == project["code_location_target_module"]
    assert workspace["location_name"] == project["code_location_name"]
    assert workspace["working_directory"] == "."


def test_partitions_are_the_shards_of_all_sets() -> None:
    keys = shard_partitions.get_partition_keys()
    assert len(keys) == 12
    assert (keys[0], keys[-1]) == ("set1-00000", "set3-00003")


def test_the_chain_is_wired() -> None:
    graph = defs.resolve_asset_graph()
    shards, labels = dg.AssetKey("rollout_shards"), dg.AssetKey("behavior_labels")
    assert graph.get(shards).parent_keys == {dg.AssetKey("centroids")}
    assert graph.get(labels).parent_keys == {shards, dg.AssetKey("centroids")}
    analytics = {name: dg.AssetKey(["analytics", name]) for name in (table.name for table in TABLES)}
    imported = dg.AssetKey("imported_shards"), dg.AssetKey("imported_labels")
    assert graph.get(imported[1]).parent_keys == {imported[0]}
    state = dg.AssetKey("data_state")
    assert graph.get(state).parent_keys == {shards, labels, *imported}
    assert graph.get(analytics["label_parts"]).parent_keys == {labels, imported[1], state}
    assert graph.get(analytics["labels"]).parent_keys == {labels, imported[1], state, analytics["label_parts"]}
    assert graph.get(analytics["shards"]).parent_keys == {shards, imported[0], state}
    assert graph.get(dg.AssetKey("collections")).parent_keys == {analytics["labels"]}
    assert graph.get(analytics["collections"]).parent_keys == {dg.AssetKey("collections")}
    assert graph.get(analytics["card_comparison"]).parent_keys == {analytics["labels"], analytics["token_frequency"]}


@pytest.mark.parametrize(
    "key", ["centroids", "rollout_shards", "behavior_labels", *(f"analytics/{t.name}" for t in TABLES)]
)
def test_every_asset_is_described_and_versioned(key: str) -> None:
    node = defs.resolve_asset_graph().get(dg.AssetKey(key.split("/")))
    assert node.description
    assert node.code_version
    assert node.group_name != "default"
    assert node.kinds


def test_descriptions_are_for_users() -> None:
    graph, repository = defs.resolve_asset_graph(), defs.get_repository_def()
    described = [graph.get(key).description for key in graph.get_all_asset_keys()]
    described += [job.description for job in repository.get_all_jobs() if not job.name.startswith("__")]
    described += [schedule.description for schedule in repository.schedule_defs]
    for description in described:
        assert description
        assert "Not here" not in description
        assert "```" not in description


def test_the_sql_of_a_table_is_beside_its_description() -> None:
    metadata = defs.resolve_asset_graph().get(dg.AssetKey(["analytics", "geometry"])).metadata
    assert str(metadata["sql"].value).startswith("```sql\nCREATE OR REPLACE VIEW geometry AS\nSELECT")


def test_every_asset_links_to_its_document_and_its_function() -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        references = graph.get(key).metadata["dagster/code_references"]
        assert isinstance(references, dg.CodeReferencesMetadataValue)
        files = [Path(r.file_path) for r in references.code_references if isinstance(r, dg.LocalFileCodeReference)]
        assert all(file.is_file() for file in files)
        assert {file.parent.name for file in files} == {"docs", "assets"}, key


def test_no_group_of_assets_needs_what_is_made_from_it() -> None:
    """Else the graph of groups, which the UI shows first, has circles."""
    graph = defs.resolve_asset_graph()
    needs: dict[str, set[str]] = {}
    for key in graph.get_all_asset_keys():
        group = str(graph.get(key).group_name)
        parents = {str(graph.get(parent).group_name) for parent in graph.get(key).parent_keys}
        needs.setdefault(group, set()).update(parents - {group})
    assert set(TopologicalSorter(needs).static_order()) == set(needs)


def test_devices_and_the_publish_have_pools() -> None:
    graph = defs.resolve_asset_graph()
    assert graph.get(dg.AssetKey("rollout_shards")).pools == {"device"}
    assert graph.get(dg.AssetKey(["analytics", "labels"])).pools == {"warehouse"}


def test_every_column_type_has_a_parquet_type() -> None:
    labels = next(table for table in TABLES if table.name == "labels")
    assert {column.type for column in labels.columns} <= set(POLARS_TYPES)
