"""DAGSTER_HOME: created once however many processes begin at once, and named with its remedy when it is damaged."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from nca_assets.cli.start import ui
from nca_assets.errors import NcaError, TransientError
from nca_assets.orchestration.instance import home
from nca_assets.orchestration.instance.home import DATABASES, project_instance
from nca_assets_tests.orchestration.conftest import make_home

RACE = """
import os, sys
from nca_assets.orchestration.instance import launcher
from nca_assets.orchestration.instance.home import project_instance

failed = 0
for os.environ["DAGSTER_HOME"] in sys.argv[1:]:
    children = []
    for _ in range(3):
        children.append(os.fork())
        if not children[-1]:
            with project_instance():
                os._exit(0)
    failed += sum(os.waitpid(child, 0)[1] != 0 for child in children)
print("failed", failed)
"""
"""Processes that have imported everything, so that they begin within milliseconds of each other."""


def versions(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as opened:
        return [version for (version,) in opened.execute("SELECT version_num FROM alembic_version")]


def change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute(statement)


def test_processes_that_begin_at_once_create_one_sound_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = [make_home(tmp_path / str(attempt), monkeypatch) for attempt in range(2)]
    race = subprocess.run([sys.executable, "-c", RACE, *map(str, homes)], capture_output=True, text=True, check=True)
    assert race.stdout == "failed 0\n", race.stderr
    for folder in homes:
        assert {name: len(versions(folder / name)) for name in DATABASES} == dict.fromkeys(DATABASES, 1)


@pytest.mark.parametrize("name", DATABASES)
def test_a_home_with_two_versions_is_named_and_its_remedy_mends_it(dagster_home: Path, name: str) -> None:
    [newest] = versions(dagster_home / name)
    change(dagster_home / name, "INSERT INTO alembic_version VALUES ('5771160a95ad')")
    with pytest.raises(NcaError, match=r"\.db records 2 versions of its schema: two processes created it") as caught:
        project_instance()
    assert "\n" not in str(caught.value)
    remedy = re.search(r"""sqlite3 '(.*)' "(.*)"$""", str(caught.value))
    assert remedy
    assert remedy[1] == str(dagster_home / name)
    change(Path(remedy[1]), remedy[2])
    assert versions(dagster_home / name) == [newest]
    with project_instance() as instance:
        assert instance.get_latest_materialization_event(dg.AssetKey("centroids")) is None


def damage(file: Path) -> None:
    file.write_bytes(b"no database" * 500)


def record_an_unknown_version(file: Path) -> None:
    change(file, "INSERT INTO alembic_version VALUES ('0123456789ab')")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (damage, r"index\.db is damaged \(file is not a database\): restore"),
        (record_an_unknown_version, r"index\.db records 2 versions of its schema: restore"),
    ],
)
def test_a_home_that_cannot_be_mended_is_named_and_left_as_it_is(
    dagster_home: Path, harm: Callable[[Path], None], message: str
) -> None:
    file = dagster_home / "history" / "runs" / "index.db"
    harm(file)
    before = file.read_bytes()
    with pytest.raises(NcaError, match=message):
        project_instance()
    assert file.read_bytes() == before


def test_a_configuration_of_an_earlier_release_is_named_with_its_remedy(dagster_home: Path) -> None:
    with (dagster_home / "dagster.yaml").open("a") as file:
        file.write("event_log_storage: {module: nca_assets.automation.event_log, class: LastingEventLogStorage}\n")
    with pytest.raises(
        NcaError, match=r"dagster\.yaml is of an earlier release: replace it with one that 'nca init' creates"
    ):
        project_instance()


def test_a_home_whose_creation_was_killed_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = make_home(tmp_path / "home", monkeypatch)
    (begun / "history" / "runs").mkdir(parents=True)
    for name in ("history/runs.db", "history/runs/index.db"):
        (begun / name).touch()
    with project_instance() as instance:
        assert instance.get_runs() == []


def test_a_process_that_never_finishes_opening_is_waited_for_no_longer_than_a_minute(
    dagster_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "MAX_WAIT_S", 0.05)
    with home._opened_by_one(dagster_home), pytest.raises(TransientError, match=r"has been opening .* try again"):
        project_instance()


def test_the_ui_creates_the_home_before_its_processes_start(
    dagster_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def instead_of_dagster(_: str, command: list[str]) -> None:
        assert all((dagster_home / name).exists() for name in DATABASES)
        started.append(command)

    monkeypatch.setattr(os, "execv", instead_of_dagster)
    monkeypatch.setattr(subprocess, "Popen", lambda *_: None)  # what says where the UI is
    monkeypatch.chdir(dagster_home)
    ui(port=3001)
    [command] = started
    assert command[:2] == ["dagster", "dev"]
    assert command[-6:] == ["--host", "127.0.0.1", "--port", "3001", "--log-level", "warning"]


@pytest.mark.parametrize(
    "content", [b"\x00\xff", b"run_launcher: [", b"run_lauocher:\n  module: x\n", b"run_launcher: 3\n"]
)
def test_a_damaged_configuration_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """It was a traceback of YAML or of Dagster."""
    home = make_home(tmp_path / "home", monkeypatch)
    (home / "dagster.yaml").write_bytes(content)
    with pytest.raises(NcaError, match=r"dagster\.yaml .*: replace it with one that 'nca init' creates") as caught:
        project_instance()
    assert "\n" not in str(caught.value)
