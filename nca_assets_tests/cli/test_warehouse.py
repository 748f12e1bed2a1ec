"""SQL results in every output format, refused queries, and the export of labels to CSV."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets_tests.cli.command import Capture, CaptureBytes, nca
from nca_assets_tests.conftest import local


def test_sql_prints_a_table(built: DataFolder, capsys: Capture) -> None:
    assert built
    assert (
        nca("sql", "SELECT rollout_id, tail_change IS NULL AS missing, 1e6 AS big, 0.5 AS half FROM labels LIMIT 1")
        == 0
    )
    out = capsys.readouterr().out
    for text in ("rollout_id", "set1/000000", "no", "1,000,000", "0.5"):
        assert text in out


def test_sql_says_when_rows_are_left_out(built: DataFolder, capsys: Capture) -> None:
    assert built
    assert nca("sql", "FROM range(201)") == 0
    assert "first 200 rows only" in capsys.readouterr().out


def test_a_malformed_query_gives_duckdbs_message(built: DataFolder, capsys: Capture) -> None:
    assert built
    assert nca("sql", "SELEC 1") == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("nca: DuckDB: Parser Error: syntax error")
    assert "Traceback" not in captured.err


def test_a_whole_answer_as_csv_json_and_parquet(built: DataFolder, capfdbinary: CaptureBytes, tmp_path: Path) -> None:
    query = 'SELECT rollout_id, damage, unnest([1, 2]) AS "n" FROM labels ORDER BY rollout_id, n'
    expected = pl.read_parquet(local(built.labels_file(ShardKey("set1", 0))), hive_partitioning=False)["damage"]
    (tmp_path / "query.sql").write_text(query)
    assert nca("sql", "-f", str(tmp_path / "query.sql"), "--csv") == 0
    csv = pl.read_csv(capfdbinary.readouterr().out)
    assert nca("sql", query, "--json") == 0
    json = pl.read_json(capfdbinary.readouterr().out)
    assert nca("sql", query, "--parquet", str(tmp_path / "answer.parquet")) == 0
    parquet = pl.read_parquet(tmp_path / "answer.parquet")
    assert_frame_equal(csv, json, check_dtypes=False)
    assert_frame_equal(csv, parquet, check_dtypes=False)
    assert len(csv) == 16
    assert csv["damage"].gather_every(2)[:4].to_list() == expected.to_list()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either a query or a file with one, -f FILE"),
        (("SELECT 1", "-f", "query.sql"), "give either a query or a file"),
        (("-f", "nowhere.sql"), "can't read nowhere.sql"),
        (("SELECT 1", "--csv", "--json"), "choose one of --csv, --json and --parquet"),
        (("COPY labels TO 'out.csv'", "--csv"), "give one query that selects, like 'FROM behavior_summary', not COPY"),
        (("SELECT content FROM read_text('/etc/hostname')", "--json"), "DuckDB: Permission Error"),
        (("ATTACH 'other.duckdb'",), "not ATTACH"),
        (("DELETE FROM labels",), "not DELETE"),
        (("SET allowed_directories = ['/']",), "not SET"),
        (("SELECT 1; DROP TABLE labels",), "not 2 statements"),
        (("SELECT '\udcff'",), "contains a NUL, or bytes that are not UTF-8"),
        (("SELECT 1 \0 FROM nowhere", "--csv"), "contains a NUL, or bytes that are not UTF-8"),
        (("SELECT 'x'::INTEGER",), "DuckDB: Conversion Error"),
        (("SELECT 'x'::INTEGER", "--csv"), "DuckDB: Conversion Error"),
    ],
)
def test_what_sql_refuses(
    built: DataFolder,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.setenv("NCA_DATA", str(built))
    monkeypatch.chdir(tmp_path)
    files = set(tmp_path.rglob("*"))
    assert nca("sql", *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("nca: ")
    assert message in error
    assert "Traceback" not in error
    assert set(tmp_path.rglob("*")) == files


def test_a_parquet_file_that_was_there_survives_a_failure(built: DataFolder, capsys: Capture, tmp_path: Path) -> None:
    assert built
    (tmp_path / "a.parquet").write_text("precious")
    assert nca("sql", "SELEC", "--parquet", str(tmp_path / "a.parquet")) == 1
    assert "syntax error" in capsys.readouterr().err
    assert [file.read_text() for file in tmp_path.glob("*.parquet")] == ["precious"]


@pytest.mark.parametrize("query", ["", "/* nothing */"])
def test_a_query_without_an_answer_is_said(built: DataFolder, capsys: Capture, query: str) -> None:
    assert built
    assert nca("sql", query) == 1
    assert "give one query that selects, like 'FROM behavior_summary', not 0 statements" in capsys.readouterr().err


def test_a_wide_table_is_not_squeezed_in_a_pipe(built: DataFolder, capsys: Capture) -> None:
    assert nca("sql", "FROM labels LIMIT 1") == 0
    heading = capsys.readouterr().out.splitlines()[0]
    assert heading.split() == [column.name for column in LABEL_COLUMNS]
    assert built


def test_markup_in_data_is_not_obeyed(built: DataFolder, capsys: Capture) -> None:
    assert built
    assert nca("sql", "SELECT '[/b]' AS a, '[red]gone' AS b, ':bomb:' AS c, e'\\x1b[2J' AS d, '' AS e, NULL AS f") == 0
    assert capsys.readouterr().out.splitlines()[2].split() == ["[/b]", "[red]gone", ":bomb:", "\\x1b[2J", "NULL"]


def test_sql_without_a_warehouse_says_what_to_do(data: DataFolder, capsys: Capture) -> None:
    assert data
    assert nca("sql", "SELECT 1") == 1
    assert "make demo does" in capsys.readouterr().err


def test_export_writes_the_labels_under_the_cards_names(labelled: DataFolder, capsys: Capture) -> None:
    assert nca("export") == 0
    files = [labelled / "dataset_labels_set.csv", labelled / "dataset_labels_set2.csv"]
    assert capsys.readouterr().out.splitlines() == [f"{file}: 4 rollouts" for file in files]
    assert not (labelled / "dataset_labels_set3.csv").exists()
    part = pl.read_parquet(local(labelled.labels_file(ShardKey("set2", 1))), hive_partitioning=False)
    table = pl.read_csv(local(files[1]), schema_overrides=dict(part.schema))
    assert_frame_equal(table, part)


def test_export_leaves_out_damaged_parts_and_says_so(
    labelled: DataFolder, capsys: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    part = labelled.labels_file(ShardKey("set1", 0))
    local(part).write_bytes(b"no parquet")
    assert nca("export") == 0
    assert capsys.readouterr().out == f"{labelled / 'dataset_labels_set2.csv'}: 4 rollouts\n"
    assert f"{part} is damaged (it has no seal): materialize partition set1-00000 of behavior_labels" in caplog.text
    part.unlink()
    labelled.labels_file(ShardKey("set2", 1)).unlink()
    assert nca("export") == 1
    assert "holds no labels" in capsys.readouterr().err
