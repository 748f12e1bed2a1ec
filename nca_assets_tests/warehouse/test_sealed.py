"""Whatever SQL is asked: nothing is written, nothing but the warehouse is read, and a refusal is one of ours."""

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from nca_assets.cli.rollouts import _chosen
from nca_assets.errors import NcaError
from nca_assets.explorer.selection import explored
from nca_assets.ids import ShardKey
from nca_assets.loading.source import RolloutSource
from nca_assets.project import Project
from nca_assets.warehouse.answer import FORMATS, first_rows, whole_table, write_answer
from nca_assets.warehouse.catalog import TABLES
from nca_assets.warehouse.collections import freeze
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import labelled_shards, local
from nca_assets_tests.warehouse.statements import SECRET, Targets, as_conditions, as_queries, statements


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A warehouse, canaries beside it, and below the same folder everything that a statement may take for "here"."""
    root = tmp_path_factory.mktemp("sealed")
    with pytest.MonkeyPatch.context() as monkeypatch, labelled_shards(root, [ShardKey("set1", 0)]):
        for name in ("here/.tmp", "temporary", "home", "canary"):
            (root / name).mkdir(parents=True)
        for file in ("canary/secret", "here/.tmp/secret"):
            _write_canaries(root / file)
        monkeypatch.chdir(root / "here")
        monkeypatch.setattr(tempfile, "tempdir", str(root / "temporary"))
        monkeypatch.setenv("HOME", str(root / "home"))
        yield Project.load()


def _write_canaries(file: Path) -> None:
    table = pl.DataFrame({"secret": [SECRET]})
    table.write_csv(file.with_suffix(".csv"))
    table.write_parquet(file.with_suffix(".parquet"))
    file.with_suffix(".json").write_text(json.dumps([{"secret": SECRET}]))
    with duckdb.connect(file.with_suffix(".duckdb")) as connection:
        connection.execute(f"CREATE TABLE secret AS SELECT '{SECRET}' AS secret")


NEVER_PARSED = {"INVALID", "MULTI", "ANALYZE", "CREATE_FUNC", "VARIABLE_SET", "RELATION", "LOGICAL_PLAN", "EXTENSION"}
"""Kinds that the parser gives no statement."""


def targets(project: Project) -> Targets:
    return Targets(local(project.data.warehouse_file()), local(project.data.root).parent / "canary")


def written(query: str, project: Project, form: str) -> bytes:
    out = io.BytesIO()
    write_answer(query, project.data, form, out)
    return out.getvalue()


PLACES: dict[str, Callable[[str, Project], Any]] = {
    "nca sql": lambda query, project: first_rows(query, project.data, 200),
    **{f"nca sql --{form}": partial(written, form=form) for form in FORMATS},
    "nca gif": lambda query, project: _chosen(f"{query} ", project, 3),
    "nca collect": lambda query, project: freeze("c", query, project.data).rollouts,
    "whole_table": lambda query, project: whole_table(query, project.data).rows(),
    "RolloutSource.query": lambda query, project: RolloutSource.query(query, project.data).table.rows(),
}
CONDITIONS: dict[str, Callable[[str, Project], Any]] = {
    "nca explore": lambda condition, project: explored(project.data, condition).table.rows(),
    "RolloutSource.where": lambda condition, project: RolloutSource.where(condition, project.data).table.rows(),
}


def contents(project: Project) -> dict[Path, bytes]:
    root = local(project.data.root).parent
    return {file: file.read_bytes() if file.is_file() else b"" for file in root.rglob("*")}


def try_each(asked: Project, tries: list[tuple[Callable[[str, Project], Any], str]], *errors: type[Exception]) -> None:
    """Nothing but ``errors`` is raised, no answer holds the secret, and no file is another afterwards."""
    before = contents(asked)
    for place, text in tries:
        try:
            answer = place(text, asked)
        except errors as error:
            answer = error.args
        assert SECRET not in str(answer), text
    assert contents(asked) == before


@pytest.mark.parametrize(
    "query",
    [
        "FROM labels",
        "VALUES (1)",
        "TABLE labels",
        "(SELECT 1)",
        "WITH x AS (SELECT 1) FROM x",
        "DESCRIBE labels",
        "SUMMARIZE labels",
        "SHOW TABLES",
        "PIVOT labels ON behavior",
        "UNPIVOT (SELECT height, width FROM labels) ON height, width",
        "SELECT 1 -- one",
        "/* one */ SELECT 1;;",
    ],
)
def test_whatever_selects_is_answered(asked: Project, query: str) -> None:
    assert first_rows(query, asked.data, 200)[1]
    assert written(query, asked, "json").startswith(b"[")


def test_tables_are_those_of_the_warehouse(asked: Project) -> None:
    shown = first_rows("SHOW TABLES", asked.data, 200)[1]
    assert sorted(name for (name,) in shown) == sorted(table.name for table in TABLES)
    assert written("SHOW TABLES", asked, "csv").decode().split() == ["name", *(name for (name,) in shown)]


def test_variables_of_the_program_are_no_tables(asked: Project) -> None:
    frame = pl.DataFrame({"x": [1]})
    with pytest.raises(NcaError, match="Table with name frame does not exist"):
        first_rows("FROM frame", asked.data, 1)
    assert len(frame) == 1


def test_every_kind_of_statement_is_tried(asked: Project) -> None:
    every = statements(targets(asked))
    assert len(every) >= 500
    kinds: set[str] = set()
    for statement in every:
        # Some are wrong on purpose, and DuckDB 2 has kinds that its Python package has no name for.
        with suppress(duckdb.Error, ValueError):
            kinds |= {part.type.name for part in duckdb.extract_statements(statement)}
    names = {name for name in dir(duckdb.StatementType) if name.isupper()}
    assert names - NEVER_PARSED <= kinds


def test_no_statement_writes_or_reads_elsewhere(asked: Project) -> None:
    """Each statement in one of the places, in turn."""
    every = statements(targets(asked))
    places = list(PLACES.values())
    tries = [(places[number % len(places)], statement) for number, statement in enumerate(every)]
    try_each(asked, tries, NcaError)


def test_no_condition_is_anything_else(asked: Project) -> None:
    every = [as_conditions(statement) for statement in statements(targets(asked))]
    places = list(CONDITIONS.values())
    tries = [
        (places[number % len(places)], forms[number // len(places) % len(forms)]) for number, forms in enumerate(every)
    ]
    try_each(asked, tries, NcaError)


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.long)])
def test_the_connection_alone_withstands_every_statement(asked: Project, step: int) -> None:
    def execute(statement: str, project: Project) -> list[tuple]:
        with connect(project.data) as connection:
            connection.execute(statement)
            return connection.fetchall()

    try_each(asked, [(execute, statement) for statement in statements(targets(asked))[::step]], duckdb.Error)


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES)
def test_no_statement_in_any_place(asked: Project, place: str) -> None:
    """Each statement in each place, in one of its forms, in turn."""
    first = list(PLACES).index(place)
    every = [as_queries(statement) for statement in statements(targets(asked))]
    tries = [(PLACES[place], forms[(first + number) % len(forms)]) for number, forms in enumerate(every)]
    try_each(asked, tries, NcaError)


@pytest.mark.long
@pytest.mark.parametrize("place", CONDITIONS)
def test_no_condition_in_any_place(asked: Project, place: str) -> None:
    every = statements(targets(asked))
    try_each(asked, [(CONDITIONS[place], form) for one in every for form in as_conditions(one)], NcaError)
