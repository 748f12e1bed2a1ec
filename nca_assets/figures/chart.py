"""Common style of charts: a color, marker and line per behavior class, panel letters, and figures as PNG and SVG.

The catalog of figures is part of Dagster's definitions, so slow imports are deferred to the functions that need them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nca_assets.data_folder import DataFolder
from nca_assets.labels.names import CLASSES

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

CLASS_COLORS: dict[str, str] = dict(
    zip(
        CLASSES,
        # Also distinct for the color-blind: any two differ by 16 or more in CIELAB; after mk.bcgsc.ca/colorblind.
        (
            "#80005A", "#FF6E3A", "#A40122", "#FFC33B", "#FF5AAF", "#8400CD",
            "#202028", "#008DF9", "#006B50", "#000078", "#00C2F9", "#00E6A0",
        ),
        strict=True,
    )
)  # fmt: skip

CLASS_MARKERS: dict[str, str] = dict(zip(CLASSES, "osD^vPX<>phd", strict=True))

CLASS_LINES: dict[str, Any] = dict(
    zip(CLASSES, 2 * ("-", "--", ":", "-.", (0, (6, 1.5, 1, 1.5, 1, 1.5)), (0, (1, 2.5))), strict=True)
)
"""Line styles, each for one class of the first six and one of the others, which are in different panels."""

STYLE: dict[Any, Any] = {
    "font.size": 8.0, "axes.titlesize": 8.5, "axes.labelsize": 8.0, "xtick.labelsize": 7.0, "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "axes.linewidth": 0.7, "svg.hashsalt": "nca-assets", "svg.fonttype": "path", "legend.frameon": False,
    "image.interpolation": "nearest", "image.interpolation_stage": "rgba",
}  # fmt: skip

WIDTH = 7.0
"""Width of a page's text in inches."""

DPI = 300

SMALL_DPI = 110

SURE = 1.96
"""Standard errors on each side of a mean that make a 95 % interval."""


@dataclass(frozen=True)
class Picture:
    """A figure as PNG, as SVG, and as a small PNG, since Dagster stores one with every materialization."""

    png: bytes
    svg: bytes
    small: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the PNG."""
        return hashlib.sha256(self.png).hexdigest()


def answer(query: str, data: DataFolder) -> pl.DataFrame:
    """The result of ``query`` on the warehouse. Raises ``NcaError`` if there is no warehouse."""
    from nca_assets.warehouse.answer import whole_table

    return whole_table(query, data)


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure on white; sizes are in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def new_axes(figure: Figure, rows: int = 1, columns: int = 1, sharex: Any = False, sharey: Any = False) -> list[Axes]:
    """Its axes, row by row."""
    return list(figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey).ravel())


def lettered(panels: Sequence[Axes]) -> None:
    """Name panels a, b, c and so on, at their top left."""
    for letter, axes in zip("abcdefghijklmnopqrstuvwxyz", panels, strict=False):
        axes.annotate(
            letter, (0, 1), (-4, 4), xycoords="axes fraction", textcoords="offset points", fontweight="bold",
            fontsize=9, ha="right", va="bottom",
        )  # fmt: skip


def share_interval(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """The distances from each share of the total, in percent, down and up to its 95 % interval: (2, n).

    Wilson's score interval (Wilson, 1927), for independent draws.
    """
    import numpy as np

    total = counts.sum()
    share, room = counts / total, SURE**2 / total
    middle = (share + room / 2) / (1 + room)
    half = SURE * np.sqrt(share * (1 - share) / total + room / total / 4) / (1 + room)
    return 100 * np.stack([share - (middle - half), middle + half - share]).clip(0)


def drawn(draw: Callable[[], Figure]) -> Picture:
    """The figure of ``draw`` in the common style and both formats; the same bytes for the same figure."""
    import matplotlib as mpl

    svg, small = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(STYLE):
        figure = draw()
        png = _png(figure)
        figure.set_layout_engine("none")  # as laid out for the first
        figure.savefig(svg, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
        figure.savefig(small, format="png", dpi=SMALL_DPI)
    return Picture(png, svg.getvalue(), _in_256_colors(small))


def _in_256_colors(png: io.BytesIO) -> bytes:
    """A PNG at a third of its size."""
    from PIL import Image

    image = Image.open(png).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def drawn_as_png(draw: Callable[[], Figure]) -> bytes:
    """The PNG alone, in a third of the time."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        return _png(draw())


def _png(figure: Figure) -> bytes:
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
    return png.getvalue()
