"""Every query and program of docs/SQL.md runs on a warehouse that has something of everything in it."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from nca_assets.in_process import collect, import_shards, materialize_chain, score_baselines
from nca_assets.project import Project
from nca_assets.tasks import networks
from nca_assets.warehouse.answer import first_rows
from nca_assets.warehouse.catalog import TABLES
from nca_assets_tests import warm
from nca_assets_tests.conftest import PROJECT, local
from nca_assets_tests.labels import movies
from nca_assets_tests.orchestration.conftest import lasting_project

pytestmark = pytest.mark.slow

GUIDE = (PROJECT / "docs" / "SQL.md").read_text()
QUERIES = re.findall(r"```sql\n(.+?)```", GUIDE, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.+?)```", GUIDE, re.DOTALL)

MAY_BE_EMPTY = ("out of date, and why", "two rollouts identical")


@pytest.fixture(scope="module")
def asked(states: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("asked")
    with lasting_project(states("chain"), folder) as project:
        list(materialize_chain(["set1-00000", "set1-00002", "set2-00000", "set3-00003"]))
        (folder / "others").mkdir()
        half_frozen = np.where(np.arange(20) < 10, movies.noise(), 3)
        # What is asked for by class, which a few rollouts of ours need not have. Exact cycles would be periodic.
        still = movies.frozen(np.zeros((16, 20), dtype=np.uint8))
        others = {
            "moving": movies.moving(movies.picture(), period=4, dy=1, dx=1),
            "gliders": movies.gliders(),
            "breathers": movies.flickering(movies.breathers(still, period=12), 0.003),
            "spiral": movies.flickering(movies.spiral(), 0.003),
            "stream": movies.stream(),
            "half_frozen": half_frozen.astype(np.uint8),
        }
        np.savez(folder / "others" / "life.npz", allow_pickle=False, **others)
        list(import_shards(folder / "others", "life"))
        collect("lively", {"query": "SELECT rollout_id FROM labels WHERE mean_change > 0.1"})
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(networks, "FEWEST_STEPS", 10)  # models that have hardly learned are scored all the same
            monkeypatch.setattr(networks, "MOST_STEPS", 10)
            score_baselines()
        yield project


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: re.sub(r"\W+", "_", query)[:50])
def test_every_query_is_answered(asked: Project, query: str) -> None:
    columns, rows = first_rows(query, asked.data, 300)
    assert columns
    assert rows or any(words in GUIDE.split(query)[0][-200:] for words in MAY_BE_EMPTY)
    assert len(set(columns)) == len(columns)


def test_there_are_enough_of_them_and_every_table_is_described() -> None:
    assert len(QUERIES) >= 25
    described = set(re.findall(r"`(\w+)`", GUIDE.split("| table or view |")[1].split("\n\n")[0]))
    assert described == {table.name for table in TABLES}


def test_every_program_runs(asked: Project, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(local(asked.data.root))
    for program in PROGRAMS:
        done = warm.completed(["-c", program], tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()


def test_every_command_runs(asked: Project, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(local(asked.data.root))
    (tmp_path / "query.sql").write_text("FROM behavior_summary")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    block = GUIDE.split("## Running queries")[1].split("```console\n")[1].split("```")[0]
    commands = [line.removeprefix("$ ") for line in block.splitlines()]
    assert len(commands) == 4
    for command in commands:
        # Shell syntax is part of what is documented; the text is the document's own.
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={"NCA_DATA": "data", "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert (tmp_path / "answer.csv").read_text().startswith("origin,behavior,rollouts")
    assert (tmp_path / "labels.parquet").read_bytes()[:4] == b"PAR1"
