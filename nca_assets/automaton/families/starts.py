"""Starts that several families share."""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.start import EVERYWHERE, Start, draw_rectangles

SPARSE = (12, 102)
"""Active cells of 256."""

PATCHES = (2, 6)
"""Sides of a patch, in cells."""

KINDS = ("noise",) * 10 + ("patches",) * 3 + ("sparse",) * 2 + ("seeds",)


def anywhere(draws: Draws, height: int, width: int) -> Start:
    """Mostly noise, else patches, sparse cells or seeds on a ground."""
    return start_of(draws.one_of(KINDS), draws, height, width)


def start_of(kind: str, draws: Draws, height: int, width: int, quiet: tuple[int, ...] = ()) -> Start:
    """Noise, patches, sparse cells or seeds, with the fields in ``quiet`` at -1."""
    if kind == "noise":
        return Start(kind, quiet=quiet)
    if kind == "patches":
        return Start(kind, patch=draws.between(*PATCHES), quiet=quiet)
    if kind == "sparse":
        return Start(kind, density=draws.between(*SPARSE), quiet=quiet)
    count = draws.between(1, 2 + height * width // 120)
    return Start(kind, density=0, seeds=draw_rectangles(draws, count, height, width, (1, 4)), quiet=quiet)


def marked(kind: str, draws: Draws, height: int, width: int, field: int, sides: tuple[int, int], of_256: int) -> Start:
    """Marks in ``field``: at least two rectangles, over about ``of_256`` of 256 cells.

    Elsewhere noise, patches, sparse cells or, for kind ``ground``, nothing.
    """
    patch, density = 1, EVERYWHERE
    if kind == "patches":
        patch = draws.between(*PATCHES)
    elif kind == "sparse":
        density = draws.between(*SPARSE)
    elif kind == "ground":
        density = 0
    count = max(2, height * width * of_256 // (64 * sum(sides) ** 2))
    marks = draw_rectangles(draws, count, height, width, sides)
    return Start(kind, patch=patch, density=density, marked=field, marks=marks)
