"""Numbers and tables as text."""

import pytest

from nca_assets.text import cell, counted, markdown_table, number


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (362178.2, "362,178"),
        (880000, "880,000"),
        (-1234.5, "-1,234"),
        (724.41, "724.4"),
        (0.012345, "0.01235"),
        (5, "5"),
    ],
)
def test_numbers_from_1000_on_are_whole_and_smaller_ones_have_four_digits(value: float, written: str) -> None:
    assert number(value) == written


def test_a_cell_is_empty_without_a_value_and_else_in_words_or_digits() -> None:
    values = (None, True, False, 1234567, 2.5, "text")
    assert [cell(value) for value in values] == ["", "yes", "no", "1,234,567", "2.5", "text"]


def test_a_table_in_markdown_has_a_heading_a_rule_and_a_line_for_each_row() -> None:
    assert markdown_table(["a", "b"], [(1, "x"), (2, "y")]) == "| a | b |\n|---|---|\n| 1 | x |\n| 2 | y |"


def test_a_count_agrees_with_its_noun() -> None:
    assert [counted(number, "row") for number in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
