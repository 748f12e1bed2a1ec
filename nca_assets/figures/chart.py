"""Common style of charts: one color per behavior class, and figures as PNG and SVG.

The catalog of figures is part of Dagster's definitions, so slow imports are deferred to the functions that need them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nca_assets.data_folder import DataFolder
from nca_assets.labels.behavior import CLASSES

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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

STYLE: dict[Any, Any] = {
    "font.size": 9.0, "axes.titlesize": 10.0, "axes.spines.top": False, "axes.spines.right": False,
    "axes.axisbelow": True, "svg.hashsalt": "nca-assets", "svg.fonttype": "path", "legend.frameon": False,
}  # fmt: skip

WIDTH = 8.0
"""Page width in inches, at 110 dots per inch."""


@dataclass(frozen=True)
class Picture:
    """A figure as PNG and as SVG."""

    png: bytes
    svg: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the PNG."""
        return hashlib.sha256(self.png).hexdigest()

    @property
    def small(self) -> bytes:
        """The PNG in 256 colors, a third of the size, since Dagster stores one with every materialization."""
        from PIL import Image

        image = Image.open(io.BytesIO(self.png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()


def answer(query: str, data: DataFolder) -> pl.DataFrame:
    """The result of ``query`` on the warehouse. Raises ``NcaError`` if there is no warehouse."""
    from nca_assets.warehouse.answer import whole_table

    return whole_table(query, data)


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure on white; sizes are in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def new_axes(figure: Figure, rows: int = 1, columns: int = 1, sharex: bool = False, sharey: bool = False) -> list[Axes]:
    """Its axes, row by row."""
    return list(figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey).ravel())


def drawn(draw: Callable[[], Figure]) -> Picture:
    """The figure of ``draw`` in the common style and both formats; the same bytes for the same figure."""
    import matplotlib as mpl

    svg = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure = draw()
        png = _png(figure)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return Picture(png, svg.getvalue())


def drawn_as_png(draw: Callable[[], Figure]) -> bytes:
    """The PNG alone, which takes about half the time."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        return _png(draw())


def _png(figure: Figure) -> bytes:
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=110, metadata={"Software": None})
    return png.getvalue()
