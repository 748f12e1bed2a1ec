"""What is used of Dagster though it is not public: each in one module, and as it is in the Dagster that is installed.

A failure here after another Dagster was installed says which module to look at; ``pyproject.toml`` keeps new ones away.
"""

import ast
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus, PartitionBackfill
from dagster._core.launcher.base import CheckRunHealthResult
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.event_log import EventLogStorage
from dagster._core.storage.runs import RunStorage

import nca_assets

PACKAGE = Path(nca_assets.__file__).parent

ALLOWED = {
    "orchestration/partitions/events.py": {
        "dagster._core.definitions.asset_checks.asset_check_evaluation.AssetCheckEvaluationTargetMaterializationData",
    },
    "orchestration/backfill/launch.py": {
        "dagster._core.definitions.assets.graph.asset_graph_subset.AssetGraphSubset",
        "dagster._core.execution.backfill.PartitionBackfill",
        "dagster._core.utils.make_new_backfill_id",
    },
    "orchestration/partitions/in_flight.py": {
        "dagster._core.execution.backfill.BulkActionsFilter",
        "dagster._core.execution.backfill.BulkActionStatus",
    },
    "orchestration/instance/home.py": {
        "dagster._core.instance.InstanceRef",
        "dagster._core.storage.event_log.sqlite.sqlite_event_log",
        "dagster._core.storage.sql.get_alembic_config",
    },
    "orchestration/instance/launcher.py": {
        "dagster._core.launcher.base.CheckRunHealthResult",
        "dagster._core.launcher.base.WorkerStatus",
        "dagster._core.launcher.default_run_launcher.DefaultRunLauncher",
    },
}
"""Modules, and the names that each takes from inside Dagster."""

NAMES = sorted(name for names in ALLOWED.values() for name in names)


def private_names(module: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.startswith("dagster") and "._" in name}


def test_no_other_module_uses_the_inside_of_dagster() -> None:
    used = {str(module.relative_to(PACKAGE)): private_names(module) for module in PACKAGE.rglob("*.py")}
    assert {module: names for module, names in used.items() if names} == ALLOWED


def test_each_name_is_used_in_one_module() -> None:
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_the_installed_dagster_has_the_name(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


CALLS: list[tuple[Callable[..., object], list[str]]] = [
    (
        PartitionBackfill.from_asset_graph_subset,
        [
            "backfill_id", "backfill_timestamp", "tags", "dynamic_partitions_store", "asset_graph_subset", "title",
            "description", "run_config",
        ],
    ),
    (AssetGraphSubset, ["partitions_subsets_by_asset_key"]),
    (CheckRunHealthResult, ["status", "msg", "run_worker_id"]),
    (DefaultRunLauncher.check_run_worker_health, ["self", "run"]),
    # Methods of public classes that no documentation has.
    (dg.DagsterInstance.add_backfill, ["self", "partition_backfill"]),
    (dg.DagsterInstance.get_backfills, ["self", "filters"]),
    (dg.DagsterInstance.get_daemon_statuses, ["self", "daemon_types"]),
    (EventLogStorage.get_latest_tags_by_partition, ["self", "asset_key", "event_type", "tag_keys"]),
    (
        EventLogStorage.get_latest_asset_partition_materialization_attempts_without_materializations,
        ["self", "asset_key"],
    ),
    (RunStorage.get_cursor_values, ["self", "keys"]),
    (RunStorage.set_cursor_values, ["self", "pairs"]),
    (dg.Definitions.resolve_job_def, ["self", "name"]),
]  # fmt: skip


@pytest.mark.parametrize(("function", "parameters"), CALLS, ids=lambda value: getattr(value, "__qualname__", ""))
def test_the_installed_dagster_takes_the_arguments(function: Callable[..., object], parameters: list[str]) -> None:
    assert set(parameters) <= set(inspect.signature(function).parameters)


def test_the_installed_dagster_filters_backfills_by_status() -> None:
    assert BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED]).statuses
