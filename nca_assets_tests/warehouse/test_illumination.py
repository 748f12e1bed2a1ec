"""Illuminated collections: the best of every cell of a fixed grid, rare cells first, whatever the order of the rows."""

import random
import re
from collections import Counter

import duckdb
import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.labels.table import read_table, write_table
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.collections import freeze, read_collection
from nca_assets.warehouse.illumination import (
    AXES,
    GRID,
    MAX_AXES,
    QUALITY,
    Coverage,
    Illumination,
    bins,
    cell_of,
    coverage,
)
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import PROJECT

ALL = "SELECT rollout_id FROM labels"


def table(*cells: tuple[float | None, float | None, int | None]) -> pl.DataFrame:
    """Labels of rollouts with this damage, these domains and this quality, named a, b, c and so on."""
    damage, domains, quality = zip(*cells, strict=True)
    names = list("abcdefghijklmnop"[: len(cells)])
    return pl.DataFrame(
        {"rollout_id": names, "digest": names, "damage": damage, "domains": domains, QUALITY: quality},
        schema_overrides={"damage": pl.Float64, "domains": pl.Float64, QUALITY: pl.Int64},
    )


def chosen(rows: pl.DataFrame, size: int, *axes: str) -> list[str]:
    with duckdb.connect() as connection:
        connection.register("labels", rows)
        connection.execute("CREATE VIEW answer AS SELECT rollout_id FROM labels")
        return [name for name, _ in connection.execute(Illumination(size, axes).query()).fetchall()]


ROWS = table(
    (0.9, 0.0, 5),  # a: a crowded cell
    (0.9, 0.0, 7),
    (0.9, 0.0, 6),
    (0.0, 0.0, 1),  # d: one with two
    (0.0, 0.0, 1),
    (0.0, 0.9, 2),  # f: one of its own
    (None, 0.9, 9),  # g: no cell
    (0.9, 0.9, None),  # h: one of its own, of unknown quality
)


def test_the_best_of_every_cell_come_first_and_rare_cells_before_common_ones() -> None:
    assert chosen(ROWS, 99, "damage", "domains") == ["f", "h", "d", "b", "e", "c", "a"]
    assert chosen(ROWS, 3, "damage", "domains") == ["f", "h", "d"]


def test_the_order_of_rows_does_not_matter() -> None:
    for seed in range(5):
        order = random.Random(seed).sample(range(len(ROWS)), len(ROWS))
        assert chosen(ROWS[order], 5, "damage", "domains") == ["f", "h", "d", "b", "e"]


def test_axes_are_on_request() -> None:
    assert chosen(ROWS, 4, "domains") == ["g", "b", "f", "c"]


def test_a_bin_holds_its_lower_edge() -> None:
    edges = GRID["damage"]
    rows = table(*((value, 0.0, 1) for value in (0.0, *edges)), (None, 0.0, 1))
    with duckdb.connect() as connection:
        connection.register("labels", rows)
        cells = connection.execute(f"SELECT {cell_of(('domains', 'damage'))} FROM labels ORDER BY rollout_id")
        found = pl.Series([cell for (cell,) in cells.fetchall()])
    first = found[0]
    assert [cell - first if cell is not None else None for cell in found] == [*range(10), None]
    digits = bins(found.drop_nulls().to_numpy(), 2)
    assert digits[1].tolist() == list(range(10))
    assert set(digits[0].tolist()) == {first // 10}


def test_axes_are_labels_with_nine_edges_that_rise() -> None:
    numeric = {column.name for column in LABEL_COLUMNS if column.type in ("DOUBLE", "INTEGER")}
    assert GRID.keys() <= numeric
    assert set(AXES) <= GRID.keys()
    assert len(AXES) == 4
    for edges in GRID.values():
        assert len(edges) == 9
        assert list(edges) == sorted(set(edges))


def test_the_documents_list_the_edges() -> None:
    text = (PROJECT / "docs" / "SQL.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ((?:[-\d.,]+; ){8}[-\d.,]+) \|", text, re.MULTILINE)
    assert {name: tuple(float(edge.replace(",", "")) for edge in listed.split("; ")) for name, listed in rows} == GRID


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (("behavior",), "'behavior' is no axis of the grid: choose some of tail_change"),
        ((), f"can't make a grid of nothing: give 1 to {MAX_AXES} axes, each once"),
        (("damage", "damage"), "can't make a grid of damage, damage"),
        (tuple(GRID)[: MAX_AXES + 1], "give 1 to"),
    ],
)
def test_axes_that_make_no_grid_are_refused(axes: tuple[str, ...], message: str) -> None:
    with pytest.raises(NcaError, match=message):
        Illumination(10, axes)


def test_it_is_read_as_it_is_written() -> None:
    for choice in (Illumination(3), Illumination(10_000, ("damage",))):
        assert Illumination.parse(str(choice)) == choice
    assert Illumination.parse("3 of each behavior, seed 0") is None


def test_it_is_a_collection_like_any_other(built: DataFolder) -> None:
    choice = Illumination(5, ("tail_change", "domains"))
    frozen = freeze("varied", ALL, built, choice)
    assert (frozen.version, len(frozen.rollouts)) == (1, 5)
    assert read_collection("varied", built) == frozen == freeze("varied", ALL, built, choice)
    assert freeze("varied", ALL, built, Illumination(6, choice.axes)).version == 2
    build_warehouse(built, only=["collections", "collection_rollouts"])
    with connect(built) as connection:
        listed = connection.execute("SELECT sampling FROM collections").fetchall()
    assert listed[0] == ("5 over the grid of tail_change, domains",)


def test_an_axis_that_this_release_does_not_know_is_a_finding_of_the_file(built: DataFolder) -> None:
    file = freeze("varied", ALL, built, Illumination(5, ("damage",))).file
    rows, metadata = read_table(file, built, "")
    write_table(rows, file, built, metadata | {"sampling": "5 over the grid of beauty"})
    with pytest.raises(DamageError, match=r"v0001\.parquet can't be read \('beauty' is no axis of the grid"):
        read_collection("varied", built)


def test_coverage_counts_cells_of_the_query_and_of_the_choice(built: DataFolder) -> None:
    axes = ("tail_change", "domains")
    frozen = freeze("varied", ALL, built, Illumination(5, axes))
    with connect(built) as connection:
        cells = dict(connection.execute(f"SELECT rollout_id, {cell_of(axes)} FROM labels").fetchall())
    covered = coverage(ALL, axes, frozen.rollouts, built)
    assert dict(covered.cells.select("cell", "rollouts").iter_rows()) == Counter(cells.values())
    ours = Counter(cells[name] for name in frozen.rollouts)
    assert {cell: n for cell, _, n in covered.cells.iter_rows() if n} == ours
    assert (covered.occupied, covered.filled) == (len(set(cells.values())), len(ours))
    assert covered.filled == min(5, covered.occupied)


def test_a_random_choice_fills_as_many_cells_as_expected() -> None:
    covered = Coverage(("damage",), pl.DataFrame({"cell": [0, 1, 2], "rollouts": [98, 1, 1], "chosen": [0, 0, 0]}))
    assert covered.at_random(100, seed=0) == 3
    assert covered.at_random(1000, seed=0) == 3
    filled = [covered.at_random(10, seed) for seed in range(200)]
    assert abs(sum(filled) / 200 - (1 + 2 * 0.1)) < 0.1
