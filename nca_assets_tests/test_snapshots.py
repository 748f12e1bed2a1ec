"""What each command that prints a table shows on terminals of 80, 120 and 160 columns, kept as text in ``snapshots``.

After a change that is meant: ``make snapshots`` writes them again; then read the difference.
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from nca_assets import in_process
from nca_assets.cli.main import main
from nca_assets.cli.show import shown
from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.project import Project
from nca_assets.tasks import leaderboard
from nca_assets.tasks.baselines import uniform
from nca_assets.tasks.predictions import write_predictions
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.conftest import PROJECT, labelled_shards
from nca_assets_tests.orchestration.conftest import make_home

SNAPSHOTS = Path(__file__).parent / "snapshots"

DEMO = re.findall(r"nca sql '(.+)'", (PROJECT / "Makefile").read_text())
"""The queries with which ``make demo`` ends."""

COMMANDS = {
    "status": ["status"],
    "labels": ["sql", "FROM labels LIMIT 2"],
    "behavior_summary": ["sql", DEMO[0]],
    "card_comparison": ["sql", DEMO[1]],
    "whole_card_comparison": ["sql", "FROM card_comparison"],
    "no_rows": ["sql", "FROM stale_partitions"],
    "markup": ["sql", "SELECT '[red]x[/red]' AS \"[b]heading[/b]\", ':bomb:' AS \"[link=x]\", e'\\x1b[31m' AS escape"],
    "baselines": ["baselines"],
    "score": ["score", "uniform.parquet"],
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    """Two shards with labels, scores of all baselines but the networks, and a Dagster home that knows nothing."""
    folder = tmp_path_factory.mktemp("snapshots")
    with labelled_shards(folder, [ShardKey("set1", 0), ShardKey("set2", 0)]) as data, pytest.MonkeyPatch.context() as m:
        m.setattr(leaderboard, "NETWORKS", {})
        leaderboard.score_baselines(data, Project.load().resources, shown)
        m.chdir(folder)
        write_predictions(uniform, data, "uniform.parquet", model="guess")
        build_warehouse(data)
        make_home(folder / "home", m)
        m.setattr(in_process, "score_baselines", lambda: None)
        yield data


@pytest.mark.parametrize("width", [80, 120, 160])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_table_on_a_terminal(asked: DataFolder, monkeypatch: pytest.MonkeyPatch, name: str, width: int) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr("sys.argv", ["nca", *COMMANDS[name]])
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    shown = terminal.getvalue().replace(str(asked), "data")
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    file = SNAPSHOTS / f"{name}-{width}.txt"
    if os.environ.get("SNAPSHOTS") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(shown)
    assert shown == file.read_text(), f"{' '.join(sys.argv)} differs from {file.name}"
