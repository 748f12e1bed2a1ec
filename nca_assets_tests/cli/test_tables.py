"""Tables on a terminal of any width: readable, whole, and with the data as they are."""

import io
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from rich.cells import cell_len

from nca_assets.cli.tables import cell, column, laid_out, print_rows
from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.warehouse.answer import first_rows
from nca_assets.warehouse.catalog import TABLES
from nca_assets_tests.conftest import PROJECT, labelled_shards

WIDTHS = (80, 120, 160, None)

STATUS = ["set", "partitions", "materialized", "stale", "failed", "in flight", "missing", "rollouts", "tokens", "MB"]
FULL_SIZE = [(f"set{n}", 1628, 1628, 12, 0, 16, 0, 1_667_072, 839_539_712_000, 173_042.0) for n in (1, 2, 3)]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    keys = [ShardKey("set1", 0), ShardKey("set2", 1)]
    with labelled_shards(tmp_path_factory.mktemp("tables"), keys) as data:
        yield data


def test_a_table_that_fits_is_one(asked: DataFolder) -> None:
    lines, shown = laid_out(*first_rows("FROM behavior_summary", asked, 200), 120)
    assert shown == 5
    assert lines == [
        "origin   behavior     rollouts  percent  mean_change  tail_change  token_entropy  median_period",
        "───────  ───────────  ────────  ───────  ───────────  ───────────  ─────────────  ─────────────",
        "recipes  streaming           4     50.0       0.3704       0.3688          3.011             33",
        "recipes  noisy               1     12.5       0.4871       0.4943          3.418           NULL",
        "recipes  quiet               1     12.5       0.0499       0.0467          2.458           NULL",
        "recipes  radiating           1     12.5       0.4680       0.4685          3.421             29",
        "recipes  synchronous         1     12.5       0.1817       0.1647          2.228             27",
    ]


def test_headings_break_before_a_table_gets_too_wide(asked: DataFolder) -> None:
    lines, _ = laid_out(*first_rows("FROM behavior_summary", asked, 200), 80)
    assert lines[:4] == [
        "                                          mean_   tail_   token_  median_",
        "origin   behavior     rollouts  percent  change  change  entropy   period",
        "───────  ───────────  ────────  ───────  ──────  ──────  ───────  ───────",
        "recipes  streaming           4     50.0  0.3704  0.3688    3.011       33",
    ]


def test_a_wide_table_stands_on_its_side(asked: DataFolder) -> None:
    columns, rows = first_rows("FROM labels ORDER BY rollout_id LIMIT 2", asked, 200)
    wide, _ = laid_out(columns, rows, 160)
    assert len(wide) == len(columns)
    assert wide[0].split() == ["rollout_id", "set1/000000", "set1/000001"]
    assert wide[4] == f"height                       8{' ' * 65}8"
    narrow, _ = laid_out(columns, rows, 80)
    digest = rows[0][13]
    assert len(narrow) == 2 * (len(columns) + 1) + 1
    assert narrow[13:15] == [f"digest                 {digest[:32]}", f"                       {digest[32:]}"]


def test_the_comparison_with_the_card_fits_80_columns(asked: DataFolder) -> None:
    """As ``make demo`` shows it, and of 5 million rollouts too."""
    shown = re.search(r"nca sql '(.+ FROM card_comparison)'", (PROJECT / "Makefile").read_text())
    assert shown
    columns, rows = first_rows(shown[1], asked, 200)
    lines, _ = laid_out(columns, [(*rows[0][:3], 5_000_000.0, *rows[0][4:]), *rows[1:]], 80)
    assert lines[0].split() == columns == ["statistic", "unit", "card", "ours", "target", "met"]
    assert len(lines) == 2 + len(rows)


def test_the_status_of_the_full_dataset_at_80_columns() -> None:
    assert laid_out(STATUS, FULL_SIZE, 80)[0] == [
        "set           set1             set2             set3",
        "partitions              1,628            1,628            1,628",
        "materialized            1,628            1,628            1,628",
        "stale                      12               12               12",
        "failed                      0                0                0",
        "in flight                  16               16               16",
        "missing                     0                0                0",
        "rollouts            1,667,072        1,667,072        1,667,072",
        "tokens        839,539,712,000  839,539,712,000  839,539,712,000",
        "MB                    173,042          173,042          173,042",
    ]
    assert len(laid_out(STATUS, FULL_SIZE, 120)[0]) == 5


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_no_value_of_any_table_is_cut(asked: DataFolder, table: str, width: int | None) -> None:
    columns, rows = first_rows(f'FROM "{table}" LIMIT 10', asked, 10)
    lines, shown = laid_out(columns, rows, width)
    text = re.sub(r"\n {4,}(?=\S)", "", "\n".join(lines))  # what goes on in the next line
    assert shown == len(rows)
    for values in zip(*rows, strict=True):
        for alone, aligned in zip(map(cell, values), column(values), strict=True):
            assert alone in text or aligned in text
    assert max(map(cell_len, lines)) <= (width or 10_000)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "NULL"),
        ("", ""),
        (True, "yes"),
        (1234567, "1,234,567"),
        (Decimal("1234.50"), "1,234.50"),
        (0.0347222, "0.03472"),
        (0.505688, "0.5057"),
        (0.000123456, "0.0001235"),
        (0.00000123456, "1.235e-06"),
        (0.0, "0"),
        (0.99999, "1"),
        (12.3456789, "12.35"),
        (-1234.5678, "-1,234.6"),
        (99999.96, "100,000"),
        (3.0, "3"),
        (2.5e6, "2,500,000"),
        (1.5e18, "1.5e+18"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04:05"),
        ([1, None, "a"], "[1, None, 'a']"),
        ("[/b]", "[/b]"),
        ("[red]gone", "[red]gone"),
        (":bomb:", ":bomb:"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\tand\r", "two\\nlines\\tand\\r"),
        ("\u202eturned", "\\u202eturned"),
        ("\udcff", "\\udcff"),
        ("ünïcode 🦆", "ünïcode 🦆"),
    ],
)
def test_a_value_is_shown_as_it_is(value: object, shown: str) -> None:
    assert cell(value) == shown


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([28.125, 9.375, 0.048], ["28.12", "9.38", "0.05"]),
        ([26.5, None, 41.0], ["26.5", "NULL", "41.0"]),
        ([3.0, 1234.0, 0.0], ["3", "1,234", "0"]),
        ([5e6, 24.43, 0.1], ["5,000,000", "24.43", "0.1"]),
        ([0.2792, -7.9e-05], ["0.2792", "-7.9e-05"]),
        ([1e18, float("nan")], ["1e+18", "nan"]),
        ([0.5, float("inf"), -0.25], ["0.50", "inf", "-0.25"]),
        ([1, 20, True], ["1", "20", "yes"]),
    ],
)
def test_the_numbers_of_a_column_have_the_same_decimals_if_they_are_of_similar_size(
    values: list[object], shown: list[str]
) -> None:
    assert column(values) == shown


def test_a_value_wider_than_the_terminal_goes_on_in_the_next_line() -> None:
    assert laid_out(["name", "value"], [("🦆" * 30, "a" * 90)], 40)[0] == [
        f"name   {'🦆' * 15}", f"       {'🦆' * 15}", *(f"{name:5}  {'a' * 30}" for name in ("value", "", "")),
    ]  # fmt: skip


def test_wide_characters_keep_columns_aligned() -> None:
    lines, _ = laid_out(["a", "b"], [("🦆", 1), ("xy", 20)], 80)
    assert lines == ["a    b", "──  ──", "🦆   1", "xy  20"]


def shown_rows(count: int) -> str:
    return f"(first {count} rows only; 'nca sql' with --csv, --json or --parquet gives all)"


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        ([], "(no rows)"),
        ([("x" * 50, "y" * 50)] * 11, shown_rows(10)),
        ([("x" * 50, "y" * 50)] * 10, f"b  {'y' * 50}"),
        ([("x", "y")] * 201, shown_rows(200)),
        ([("x", "y")] * 200, "x  y"),
    ],
)
def test_rows_that_are_left_out_are_told_of(
    monkeypatch: pytest.MonkeyPatch, rows: list[tuple[Any, ...]], last: str
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    print_rows(["a", "b"], rows)
    assert terminal.getvalue().splitlines()[-1] == last
