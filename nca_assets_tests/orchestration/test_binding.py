"""An instance belongs to one dataset: no run on another makes the first stale, or copies its history."""

from pathlib import Path

import dagster as dg
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.errors import NcaError
from nca_assets.in_process import materialize_chain
from nca_assets.orchestration.instance.binding import bind
from nca_assets.orchestration.instance.history import copy_history
from nca_assets.orchestration.partitions.pending import assess_now
from nca_assets.project import Project
from nca_assets.warehouse.history import history_files
from nca_assets_tests.conftest import local

SMALL = Shape(shard_size=4, sets=card_sets(140))


@pytest.mark.slow
def test_a_run_on_another_dataset_is_refused_and_leaves_both_as_they_are(
    chain: Project, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = assess_now(chain, instance).stale
    other = DataFolder.create(tmp_path / "other", SMALL)
    monkeypatch.setenv("NCA_DATA", str(other))
    said = (
        f"belongs to the dataset in {chain.data.location}, not the one in {other}: set NCA_DATA to the former, "
        "or DAGSTER_HOME"
    )
    with pytest.raises(NcaError, match=said):
        list(materialize_chain(["set1-00002"]))
    with pytest.raises(NcaError, match=said):
        assess_now(Project.load(), instance)
    with pytest.raises(NcaError, match=said):
        copy_history(instance, other)
    assert not history_files(other)
    assert not other.shards()
    assert assess_now(chain, instance).stale == fresh


def test_a_dataset_that_was_moved_stays_the_instances(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        data = DataFolder.create(tmp_path / "data", SMALL)
        first = bind(instance, data)
        local(data.root).rename(tmp_path / "moved")
        moved = bind(instance, DataFolder.open(tmp_path / "moved"))
    assert first
    assert moved
    assert (moved.id, moved.since, moved.location) == (first.id, first.since, str(tmp_path / "moved"))


def test_a_dataset_begun_anew_in_the_same_place_takes_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        bind(instance, DataFolder.create(tmp_path / "data", SMALL))
        (tmp_path / "data" / "dataset.json").unlink()
        anew = DataFolder.create(tmp_path / "data", SMALL)
        bound = bind(instance, anew)
    assert bound
    assert bound.id == anew.id
    assert bound.since > 0
    assert caplog.messages == [f"{anew} holds a new dataset: earlier Dagster events are left out of its history"]


def test_a_dataset_that_has_nothing_yet_binds_nothing(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert bind(instance, DataFolder.plan(tmp_path / "data", SMALL)) is None
        assert bind(instance, DataFolder.create(tmp_path / "elsewhere", SMALL))
        with pytest.raises(NcaError, match="belongs to the dataset in"):
            bind(instance, DataFolder.plan(tmp_path / "data", SMALL))
