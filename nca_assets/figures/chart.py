"""How charts look: one style, one colour a behavior class, and the two forms in which a figure is kept."""

from __future__ import annotations

import io
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nca_assets.labels.behavior import CLASSES

CLASS_COLOURS = dict(
    zip(
        CLASSES,
        # Okabe and Ito (2008), which the colour-blind can tell apart.
        ("#000000", "#0072B2", "#56B4E9", "#009E73", "#999999", "#D55E00", "#E69F00", "#CC79A7"),
        strict=True,
    )
)

STYLE = {
    "font.size": 9.0, "axes.titlesize": 10.0, "axes.spines.top": False, "axes.spines.right": False,
    "axes.axisbelow": True, "svg.hashsalt": "nca-assets", "svg.fonttype": "path", "legend.frameon": False,
}  # fmt: skip

WIDTH = 8.0
"""Inches; at 110 dots an inch, the width of a page."""


@dataclass(frozen=True)
class Picture:
    """A figure as PNG and as SVG."""

    png: bytes
    svg: bytes


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, inches wide and high, on white."""
    with mpl.rc_context(STYLE):
        return Figure(figsize=(width, height), layout="constrained")


def new_axes(figure: Figure, rows: int = 1, columns: int = 1, **options: object) -> list[Axes]:
    """Its axes, row by row."""
    with mpl.rc_context(STYLE):
        return list(figure.subplots(rows, columns, squeeze=False, **options).ravel())  # pyright: ignore[reportArgumentType]


def picture_of(figure: Figure) -> Picture:
    """The figure in both forms; the same bytes for the same figure."""
    png, svg = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(png, format="png", dpi=110, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return Picture(png.getvalue(), svg.getvalue())
