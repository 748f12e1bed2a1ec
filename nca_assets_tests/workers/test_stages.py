"""Stages distinguish transient failures from damage."""

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from nca_assets.errors import DamageError, TransientError
from nca_assets.ids import ShardKey
from nca_assets.progress import unwatched
from nca_assets.project import Project
from nca_assets.store.location import BucketPath
from nca_assets.workers.checks import Verdict
from nca_assets.workers.stages import LABELS, SHARDS, Made
from nca_assets_tests.servers import take_storage_down
from nca_assets_tests.workers.fakes import note_device

KEY = ShardKey("set1", 0)


@pytest.fixture
def unreachable(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project with its data in a bucket whose server is down."""
    take_storage_down(monkeypatch)
    data = BucketPath("nca", PurePosixPath("/data"))
    return replace(project, dataset=project.dataset.model_copy(update={"data": data}))


@pytest.mark.parametrize("there", [False, True], ids=["made", "checked"])
def test_a_storage_that_does_not_answer_is_a_failure_that_may_pass(unreachable: Project, there: bool) -> None:
    result = LABELS.make(KEY, unreachable, unwatched, there)
    assert isinstance(result, TransientError)
    assert "can't be reached or does not answer" in str(result)


def test_a_check_that_could_not_be_made_says_nothing_about_the_shard(project: Project) -> None:
    def busy(key: ShardKey, project: Project) -> Verdict:
        raise TransientError(f"{key} of {project.dataset.data} is busy")

    result = replace(SHARDS, work=note_device, checks={"busy": busy}).make(KEY, project, unwatched)
    assert isinstance(result, TransientError)


def test_a_damaged_file_fails_its_check(project: Project) -> None:
    def damaged(key: ShardKey, project: Project) -> Verdict:
        raise DamageError(f"{key} of {project.dataset.data} is damaged")

    result = replace(SHARDS, work=note_device, checks={"damaged": damaged}).make(KEY, project, unwatched)
    assert isinstance(result, Made)
    assert not result.sound
