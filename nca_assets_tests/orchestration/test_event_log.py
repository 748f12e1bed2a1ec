"""The event log that keeps its files open holds what Dagster's own would hold, in the same files."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from nca_assets.automation.event_log import MAX_FILES, LastingEventLogStorage

pytestmark = pytest.mark.slow

KEY = dg.AssetKey("made")


@dg.asset
def made() -> dg.MaterializeResult:
    return dg.MaterializeResult(data_version=dg.DataVersion("1"), metadata={"rows": 3})


def log_of(instance: dg.DagsterInstance) -> LastingEventLogStorage:
    log = instance.event_log_storage
    assert isinstance(log, LastingEventLogStorage)
    return log


def test_dagsters_own_reads_what_it_wrote(dagster_home: Path, instance: dg.DagsterInstance) -> None:
    run = dg.materialize([made], instance=instance).run_id
    own = SqliteEventLogStorage(str(dagster_home / "history" / "runs"))
    own.register_instance(instance)
    ours, theirs = log_of(instance).get_logs_for_run(run), own.get_logs_for_run(run)
    assert ours == theirs
    assert any(entry.dagster_event_type == dg.DagsterEventType.ASSET_MATERIALIZATION for entry in ours)
    assert own.get_latest_materialization_events([KEY]) == instance.event_log_storage.get_latest_materialization_events(
        [KEY]
    )


def test_another_process_sees_each_event_at_once(dagster_home: Path, instance: dg.DagsterInstance) -> None:
    with dg.DagsterInstance.from_config(str(dagster_home)) as other:
        for count in range(1, 4):
            dg.materialize([made], instance=instance)
            assert len(other.fetch_materializations(KEY, limit=10).records) == count


def test_few_files_stay_open(instance: dg.DagsterInstance) -> None:
    runs = [dg.materialize([made], instance=instance).run_id for _ in range(MAX_FILES + 3)]
    assert len(log_of(instance)._engines) == MAX_FILES
    for run in runs:
        assert instance.all_logs(run)


def test_it_is_empty_after_a_wipe_and_can_be_used_again(dagster_home: Path, instance: dg.DagsterInstance) -> None:
    run = dg.materialize([made], instance=instance).run_id
    instance.event_log_storage.wipe()
    assert not (dagster_home / "history" / "runs" / f"{run}.db").exists()
    assert instance.get_latest_materialization_event(KEY) is None
    assert dg.materialize([made], instance=instance).success
    assert instance.get_latest_materialization_event(KEY)
