"""A choice of rollouts to explore."""

from pathlib import Path

from nca_assets.data_folder import DataFolder
from nca_assets_tests.cli.command import Capture, nca
from nca_assets_tests.explorer.test_page import content_of


def test_rollouts_of_ones_choice_to_explore(built: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    assert built
    out = tmp_path / "explorer.html"
    assert nca("explore", "set_name = 'set2'", "--out", str(out)) == 0
    assert f"{out}: 4 rollouts, 0." in capsys.readouterr().out
    [ids] = [column["values"] for column in content_of(out)["columns"] if column["name"] == "rollout_id"]
    assert sorted(ids) == [f"set2/00000{index}" for index in range(4, 8)]
    assert nca("explore", "nonsense =", "--out", str(out)) == 1
    assert "DuckDB: Parser Error" in capsys.readouterr().err
