"""Settings come from NCA_* variables, and a wrong one is named with the remedy."""

import os
from pathlib import Path

import pytest

from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.labels.behavior import FEWEST_FRAMES as FRAMES_THAT_LABELS_NEED
from nca_assets.project import Project


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("NCA_")]:
        monkeypatch.delenv(name)
    settings = Project.load()
    assert (settings.data, settings.dataset.frames, settings.resources.device) == (Path("data"), 500, "auto")
    assert settings.partition_keys()[:2] == ["set1-00000", "set1-00001"]
    assert settings.data.rollout_indices(ShardKey("set1", 2)) == range(128, 192)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NCA_SHARD_SIZE", "0"),
        ("NCA_SHARD_SIZE", "many"),
        ("NCA_FRAMES", "128"),
        ("NCA_SHARDS_PER_SET", "-1"),
        ("NCA_DEVICE", "gpu"),
        ("NCA_THREADS", "0"),
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
    assert FEWEST_FRAMES == FRAMES_THAT_LABELS_NEED


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NcaError, match=r"can't write to .*file/data: Not a directory.*NCA_DATA"):
        require_writable(tmp_path / "file" / "data")


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may write anywhere, so act as nobody
    try:
        with pytest.raises(NcaError, match=r"can't write to .*: Permission denied\. Make it writable"):
            require_writable(tmp_path / "data")
    finally:
        os.seteuid(user)
