"""Queries end at their limits of time, memory and size, with one line that names the setting."""

import os
from pathlib import Path

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.warehouse.answer import first_rows, write_answer
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests import warm

LONG = "SELECT sum(a.range * b.range % 7) FROM range(1000000) AS a, range(1000000) AS b"
UNINTERRUPTED = "WITH a0 AS (SELECT 1 AS x)" + "".join(
    f", a{i} AS NOT MATERIALIZED (SELECT p.x FROM a{i - 1} AS p, a{i - 1} AS q)" for i in range(1, 40)
)
"""A query whose planning takes years, and which DuckDB does not interrupt."""


@pytest.fixture
def built(labelled: DataFolder) -> DataFolder:
    build_warehouse(labelled)
    return labelled


@pytest.mark.parametrize("file_format", [None, "csv"])
def test_time(built: DataFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file_format: str | None) -> None:
    monkeypatch.setenv("NCA_SQL_SECONDS", "0.3")
    with pytest.raises(NcaError, match=r"took more than 0\.3 seconds: NCA_SQL_SECONDS"):  # noqa: PT012
        if file_format:
            with (tmp_path / "out").open("wb") as out:
                write_answer(LONG, built, file_format, out)
        first_rows(LONG, built, 1)
    assert not file_format or (tmp_path / "out").read_bytes() == b""


def test_memory(built: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCA_SQL_MEMORY_GB", "0.1")
    with pytest.raises(NcaError, match="NCA_SQL_MEMORY_GB is the limit"):
        first_rows("SELECT list(range) FROM range(100000000)", built, 1)


def test_size_of_a_result(built: DataFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NCA_SQL_DISK_GB", "0.001")
    with (tmp_path / "out").open("wb") as out, pytest.raises(NcaError, match=r"more than 0\.001 GB: NCA_SQL_DISK_GB"):
        write_answer("FROM range(100000000000)", built, "csv", out)
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "said"),
    [
        (f"{UNINTERRUPTED} SELECT count(*) FROM a39", "could not be interrupted: NCA_SQL_SECONDS is the limit"),
        ("SELECT length(repeat('x', 4000000000)) FROM range(1000)", "NCA_SQL_MEMORY_GB is the limit"),
    ],
    ids=["planning", "strings"],
)
def test_what_duckdb_does_not_limit_ends_too(built: DataFolder, query: str, said: str) -> None:
    """The process of ``nca sql`` has limits of its own; before, these went on until the machine's memory was used."""
    limits = {"NCA_SQL_SECONDS": "0.5", "NCA_SQL_MEMORY_GB": "0.5"}
    done = warm.completed(["nca", "sql", query], Path.cwd(), os.environ | limits)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert built
