"""Settings come from NCA_* variables, and a wrong one is named with the remedy."""

import os
from pathlib import Path

import pytest

from nca_assets.description import MIN_FRAMES
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.labels.behavior import TAIL
from nca_assets.project import Project


def test_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("NCA_")]:
        monkeypatch.delenv(name)
    project = Project.load()
    assert (project.data.root, project.dataset.frames, project.resources.device) == (Path("data"), 500, "auto")
    assert project.partition_keys()[:2] == ["set1-00000", "set1-00001"]
    assert project.data.rollout_indices(ShardKey("set1", 2)) == range(128, 192)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NCA_SHARD_SIZE", "0"),
        ("NCA_SHARD_SIZE", "many"),
        ("NCA_FRAMES", "128"),
        ("NCA_SHARDS_PER_SET", "-1"),
        ("NCA_DEVICE", "gpu"),
        ("NCA_THREADS", "0"),
        ("NCA_CACHE_GB", "-1"),
        ("NCA_TOP_UP_CRON", "every hour"),
        ("NCA_SHARDS_PER_TICK", "0"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(NcaError, match=rf"^{name}={value}: .* default, ") as caught:
        Project.load()
    assert "\n" not in str(caught.value)


def test_the_fewest_frames_are_what_the_labels_need() -> None:
    assert MIN_FRAMES == TAIL + 1
