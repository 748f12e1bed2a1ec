"""A dataset is published, then checked."""

from pathlib import Path

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets_tests.cli.command import Capture, nca


@pytest.mark.slow
def test_a_dataset_is_published_and_verified(built: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    assert built
    out = tmp_path / "dataset"
    assert nca("publish", "--to", str(out)) == 0
    assert f"check it with 'nca verify --published {out}'" in capsys.readouterr().out
    assert nca("verify", "--published", str(out)) == 0
    assert f"{out}: every file matches its checksum" in capsys.readouterr().out
    (out / "README.md").write_text("changed")
    assert nca("verify", "--published", str(out)) == 1
    said = capsys.readouterr().err
    assert f"{out}: README.md has changed" in said
    assert "nca: " in said
    assert "has changed since it was published: 1 difference" in said
