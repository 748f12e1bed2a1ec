"""An illuminated collection on its grid: all rollouts, those chosen, what a random choice would fill, lonely cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nca_assets.data_folder import DataFolder
from nca_assets.figures.chart import answer, lettered, new_figure
from nca_assets.figures.examples import Example
from nca_assets.figures.grids import show_grid
from nca_assets.warehouse.illumination import GRID, QUALITY, Coverage, bins, cell_of
from nca_assets.warehouse.sql_text import literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

    from nca_assets.warehouse.collections import Collection

SHOWN = 10
"""Lonely cells whose best rollout is shown."""

SEEDS = 20
"""Random choices of each size behind the curve."""

SIZES = 24


def illumination(collection: Collection, covered: Coverage, data: DataFolder) -> Figure:
    """The maps of all rollouts of the collection's query and of those chosen, the cells filled by number chosen, and
    the best rollouts of the loneliest cells. Raises ``NcaError`` if a rollout can't be read."""
    names = covered.axes
    figure = new_figure(height=6.6)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(3.7, 2.9)).ravel()
    left, right = below.subfigures(1, 2, squeeze=False, width_ratios=(2.4, 4.6)).ravel()
    maps, curve, pictures = above.subplots(1, 2, sharey=True), left.subplots(), right.subplots(2, SHOWN // 2)
    everything, chosen = (covered.cells[column].to_numpy() for column in ("rollouts", "chosen"))
    _map(maps[0], covered, everything, names, f"all {everything.sum():,} rollouts, in {covered.occupied:,} cells")
    drawn = _map(maps[1], covered, chosen, names, f"{chosen.sum():,} chosen, in {covered.filled:,} cells")
    maps[0].set_ylabel(_labelled(names[1::2][:2]))
    above.colorbar(
        drawn, ax=maps, shrink=0.8, format="{x:g}", label="rollouts of the cell (gray: none of those chosen)"
    )
    _curve(curve, covered, int(chosen.sum()))
    for axes in pictures.ravel():
        axes.set_axis_off()
    for axes, shown in zip(pictures.ravel(), lonely(collection, covered, data), strict=False):
        values = [_short(shown.labels[name]) for name in names]
        lines = [", ".join(values[first : first + 2]) for first in range(0, len(values), 2)]
        show_grid(axes, shown.pixels[-1], "\n".join([str(shown.id), *lines]))
        axes.title.set_fontsize(6)
    listed = ", ".join(map(_words, names))
    right.suptitle(f"The best rollouts of the loneliest cells, last frame,\nwith {listed}", fontsize=8)
    lettered([*maps, curve, pictures[0, 0]])
    return figure


def lonely(collection: Collection, covered: Coverage, data: DataFolder) -> list[Example]:
    """The collection's best rollout in each of the cells that have the fewest rollouts in and next to them, diagonals
    included; the loneliest first."""
    names = covered.axes
    filled = covered.cells.with_columns(around=around(covered)).filter(pl.col("chosen") > 0)
    cells = filled.sort("around", "cell")["cell"].head(SHOWN).to_list()
    ids = ", ".join(literal(name) for name in collection.rollouts)
    query = f"""
        SELECT *, {cell_of(names)} AS cell FROM labels
        WHERE cell IN ({", ".join(map(str, cells))}) AND rollout_id IN (SELECT unnest([{ids}]))
        QUALIFY row_number() OVER (PARTITION BY cell ORDER BY {QUALITY} DESC, rollout_id) = 1
    """  # noqa: S608
    rows = sorted(answer(query, data).iter_rows(named=True), key=lambda labels: cells.index(labels.pop("cell")))
    return [Example.of(labels, data) for labels in rows]


def around(covered: Coverage) -> NDArray[np.int64]:
    """The number of rollouts in each occupied cell and its neighbors, whose bins differ by at most one."""
    axes = len(covered.axes)
    places = tuple(bins(covered.cells["cell"].to_numpy(), axes))
    sums = np.zeros((12,) * axes, dtype=np.int64)
    sums[tuple(place + 1 for place in places)] = covered.cells["rollouts"].to_numpy()
    for axis in range(axes):
        sums = sums + np.roll(sums, 1, axis) + np.roll(sums, -1, axis)
    return sums[tuple(place + 1 for place in places)]


def plane(cells: NDArray[np.integer], counts: NDArray[np.integer], axes: int) -> NDArray[np.float64]:
    """Counts by place: rows and columns are the bins of the second and first axis, and in each of these squares the
    bins of the fourth and third, if there are any; further axes are summed up. Rows go up; NaN where there are none."""
    digits = bins(cells, axes)[:4]
    across, up = (_joined(digits[first::2]) for first in (0, 1))
    shape = (10 ** len(digits[1::2]), 10 ** len(digits[0::2]))
    flat = np.bincount(up * shape[1] + across, weights=counts, minlength=shape[0] * shape[1])
    return np.where(flat > 0, flat, np.nan).reshape(shape)


def _joined(digits: NDArray[np.integer]) -> NDArray[np.integer]:
    place = np.zeros(digits.shape[1], dtype=np.int64)
    for digit in digits:
        place = 10 * place + digit
    return place


def _map(
    axes: Axes, covered: Coverage, counts: NDArray[np.integer], names: tuple[str, ...], title: str
) -> ScalarMappable:
    from matplotlib.colors import ListedColormap, LogNorm

    cells, everything = (covered.cells[column].to_numpy() for column in ("cell", "rollouts"))
    whole, values = (plane(cells, of, len(names)) for of in (everything, counts))
    rows, columns = len(names[1::2][:2]), len(names[0::2][:2])
    place = {"origin": "lower", "aspect": "auto", "extent": (0, 10, 0, 10)}
    axes.imshow(np.where(np.isnan(whole), np.nan, 1), cmap=ListedColormap(["#d9d9d9"]), **place)
    drawn = axes.imshow(values, cmap="viridis", norm=LogNorm(1, max(10, np.nanmax(whole))), **place)
    axes.vlines(range(1, 10), 0, 10, color="#777777", linewidth=0.3)
    axes.hlines(range(1, 10 if rows else 1), 0, 10, color="#777777", linewidth=0.3)
    axes.set_xticks(range(1, 10), [f"{edge:g}" for edge in GRID[names[0]]], rotation=45)
    axes.set_yticks(range(1, 10 if rows else 1), [f"{edge:g}" for edge in GRID[names[1]]] if rows else [])
    axes.set(title=title, xlabel=_labelled(names[0 : 2 * columns : 2]))
    return drawn


def _curve(axes: Axes, covered: Coverage, chosen: int) -> None:
    from matplotlib.ticker import EngFormatter

    total = int(covered.cells["rollouts"].sum())
    sizes = np.unique(np.geomspace(min(10, total), total, SIZES).round().astype(int))
    random = np.array([[covered.at_random(size, seed) for seed in range(SEEDS)] for size in sizes])
    axes.plot(sizes, np.minimum(sizes, covered.occupied), color="#0072B2", label="illuminated")
    axes.plot(sizes, random.mean(axis=1), color="#D55E00", linestyle="--", label="at random")
    axes.fill_between(sizes, *np.quantile(random, (0.025, 0.975), axis=1), color="#D55E00", alpha=0.25, linewidth=0)
    axes.axvline(chosen, color="#444444", linestyle=":", linewidth=0.8)
    at_random = np.mean([covered.at_random(chosen, seed) for seed in range(SEEDS)])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.set(xlabel="rollouts chosen", ylabel="cells filled", ylim=(0, None))
    gain = f"{chosen:,}: {covered.filled / at_random:.2f} times\nas many cells"
    axes.legend(loc="upper left", title=gain, title_fontsize=7, alignment="left")


def _labelled(names: tuple[str, ...]) -> str:
    return "; in each square, ".join(map(_words, names))


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def _words(name: str) -> str:
    return name.replace("_", " ")
