"""What a run does when something goes wrong: what is transient is tried again, and nothing else."""

import shutil
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from nca_assets.errors import TransientError
from nca_assets.ids import ShardKey
from nca_assets.labels import write as label_writing
from nca_assets.orchestration import reporting
from nca_assets.project import Project
from nca_assets.shards import space
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets_tests.conftest import local
from nca_assets_tests.disks import small_disk
from nca_assets_tests.orchestration.test_chain import LABELS, SHARDS, run_job
from nca_assets_tests.orchestration.test_ranges import KEYS, made, run_range

pytestmark = pytest.mark.slow


def failure(result: dg.ExecuteInProcessResult) -> str:
    assert not result.success
    [failed] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failed.user_failure_data
    return str(failed.user_failure_data.description)


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Labelling shard set1-00001 fails as often as there are messages in the list."""
    monkeypatch.setattr(reporting, "SECONDS_BEFORE_RETRY", 0.0)
    messages: list[str] = []
    original = label_writing.label_rollouts

    def sometimes(key: ShardKey, *rest: Any) -> Any:
        if str(key) == KEYS[1] and messages:
            raise TransientError(messages.pop())
        return original(key, *rest)

    monkeypatch.setattr(label_writing, "label_rollouts", sometimes)
    return messages


@pytest.mark.usefixtures("vocabulary")
def test_a_transient_failure_is_tried_again_and_nothing_is_done_twice(
    instance: dg.DagsterInstance, flaky: list[str]
) -> None:
    flaky.append("the disk did not answer")
    result = run_range(instance, KEYS[0], KEYS[2])
    assert result.success
    assert len([event for event in result.all_events if event.is_step_up_for_retry]) == 1
    assert sorted(made(instance, SHARDS)) == sorted(made(instance, LABELS)) == KEYS[:3]


@pytest.mark.usefixtures("vocabulary")
def test_what_stays_wrong_is_given_up(instance: dg.DagsterInstance, flaky: list[str]) -> None:
    flaky.extend(["the disk did not answer"] * 3)
    assert failure(run_range(instance, KEYS[0], KEYS[2])) == "the disk did not answer"
    assert not flaky
    assert sorted(made(instance, LABELS)) == [KEYS[0], KEYS[2]]


@pytest.mark.usefixtures("vocabulary")
def test_a_mistake_is_not_tried_again(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise TypeError("a bug")

    monkeypatch.setattr(label_writing, "label_rollouts", broken)
    result = run_range(instance, KEYS[0], KEYS[1])
    assert not result.success
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


@pytest.mark.usefixtures("vocabulary")
def test_a_missing_device_ends_the_run_before_anything_is_made(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCA_DEVICE", "cuda:7")
    assert failure(run_range(instance, KEYS[0], KEYS[2])).startswith("NCA_DEVICE=cuda:7: torch finds")
    assert not made(instance, SHARDS)


def test_too_little_space_ends_the_run_before_anything_is_made(
    vocabulary: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    message = failure(run_range(instance, KEYS[0], KEYS[2]))
    assert message.startswith("3 shards need about 0.5 MB")
    assert "0.1 MB left: free space, ask for fewer partitions" in message
    assert not made(instance, SHARDS)
    assert not (vocabulary.data / "nca_dataset").exists()


@pytest.mark.slow
def test_a_disk_that_fills_up_keeps_what_is_done_and_nothing_partial(
    project: Project, centroids: Any, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(local(project.data.root), "160k"):
        save_centroids(centroids, project.data, "imported from a test")
        assert run_job(instance, "learn_vocabulary").success
        with monkeypatch.context() as unaware:
            unaware.setattr(space, "require_space", lambda *_: None)
            message = failure(run_range(instance, KEYS[0], KEYS[3]))
        assert "No space left on device. Free space" in message
        done = sorted(made(instance, SHARDS))
        assert done == KEYS[: len(done)]
        assert 1 <= len(done) < 4
        assert not list(local(project.data.root).rglob("*.part"))
        assert "shards need about" in failure(run_range(instance, KEYS[0], KEYS[3]))
