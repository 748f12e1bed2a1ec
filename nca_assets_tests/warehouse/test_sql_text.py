"""SQL as text, as DuckDB understands it."""

import duckdb
import pytest

from nca_assets.warehouse.sql_text import OWN_SETS, literal


@pytest.mark.parametrize("text", ["", "it's", "''", 'a "b"', "-- c\n;"])
def test_a_literal_is_the_text_that_it_was_made_from(text: str) -> None:
    assert duckdb.sql(f"SELECT {literal(text)}").fetchall() == [(text,)]


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("set1", True),
        ("set12", True),
        ("set0", False),
        ("reset1", False),
        ("life", False),
    ],
)
def test_our_own_sets_are_told_from_imported_ones_by_name(name: str, own: bool) -> None:
    assert duckdb.sql(f"SELECT {OWN_SETS} FROM (SELECT {literal(name)} AS set_name)").fetchall() == [(own,)]
