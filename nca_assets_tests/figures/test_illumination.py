"""An illuminated collection is drawn on its grid."""

import numpy as np
import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import drawn_as_png
from nca_assets.figures.illumination import around, illumination, lonely, plane
from nca_assets.warehouse.collections import Collection
from nca_assets.warehouse.illumination import AXES, GRID, QUALITY, Coverage, Illumination, coverage

QUERY = "SELECT rollout_id FROM labels"


def chosen(ours: pl.DataFrame, data: DataFolder, axes: tuple[str, ...]) -> tuple[Collection, Coverage]:
    """Every third rollout, as if it were illuminated; the data stay as they are."""
    rollouts = dict(ours[::3].select("rollout_id", "digest").iter_rows())
    choice = Illumination(len(rollouts), axes)
    return Collection("varied", 1, QUERY, choice, rollouts, data.root), coverage(QUERY, axes, rollouts, data)


def test_a_map_has_the_first_axis_across_the_second_up_and_two_more_within() -> None:
    counts = plane(np.array([1234]), np.array([7]), 4)
    assert counts.shape == (100, 100)
    assert counts[24, 13] == 7
    assert np.isnan(counts).sum() == 9999
    assert plane(np.array([123456, 123478]), np.array([7, 2]), 6)[24, 13] == 9
    assert plane(np.array([12]), np.array([7]), 2)[2, 1] == 7
    assert plane(np.array([3]), np.array([7]), 1).shape == (1, 10)


def test_what_lies_around_a_cell_includes_diagonals_and_ends_at_the_edges() -> None:
    cells = pl.DataFrame({"cell": [0, 11, 22, 9, 90, 99], "rollouts": [1, 2, 4, 8, 16, 32], "chosen": 0})
    assert around(Coverage(("damage", "domains"), cells)).tolist() == [3, 7, 6, 8, 16, 32]


def test_the_loneliest_cells_show_their_best(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    collection, covered = chosen(ours, drawn_from, ("tail_change", "domains"))
    shown = lonely(collection, covered, drawn_from)
    own = ours.filter(pl.col("rollout_id").is_in(list(collection.rollouts)))

    def square(labels: dict[str, float]) -> tuple[int, ...]:
        return tuple(int(np.searchsorted(GRID[name], labels[name], "right")) for name in covered.axes)

    squares = [square(example.labels) for example in shown]
    assert len(set(squares)) == len(squares) == min(10, covered.filled)
    for example, place in zip(shown, squares, strict=True):
        alike = [row for row in own.iter_rows(named=True) if square(row) == place]
        assert example.labels[QUALITY] == max(row[QUALITY] for row in alike)


@pytest.mark.slow
@pytest.mark.parametrize("axes", [AXES, ("damage",)])
def test_it_is_drawn_over_any_number_of_axes(drawn_from: DataFolder, ours: pl.DataFrame, axes: tuple[str, ...]) -> None:
    collection, covered = chosen(ours, drawn_from, axes)
    assert drawn_as_png(lambda: illumination(collection, covered, drawn_from)).startswith(b"\x89PNG")
