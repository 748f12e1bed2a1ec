"""Frame 0: noise, patches, sparse cells or seeds on a ground, and marks, drawn in fields and carried by channels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.draws import STATE_STREAM, Draws
from nca_assets.automaton.lattice import CHANNELS, STATE_ONE
from nca_assets.automaton.philox import draw_words

Rectangle = tuple[int, int, int, int]
"""Top, left, height, width; it wraps around the edges."""

GROUND = -STATE_ONE


@dataclass(frozen=True)
class Start:
    """What frame 0 looks like.

    The grid is tiled by squares of side ``patch``. A square is active in ``density`` of 256 cases, and so are the cells
    of ``seeds``. In an active cell each field is uniform in ±``amplitude``, the same all over the square; elsewhere it
    is at ``ground``. Fields of ``steady`` have the value given there everywhere, but 1 in the cells of ``marks``.
    """

    kind: str
    patch: int = 1
    density: int = 256
    amplitude: int = STATE_ONE
    ground: int = GROUND
    seeds: tuple[Rectangle, ...] = ()
    steady: dict[int, int] = field(default_factory=dict)
    marks: tuple[Rectangle, ...] = ()
    marked: int | None = None


def draw_start(
    key: tuple[int, int], height: int, width: int, fields: tuple[int, ...], start: Start
) -> NDArray[np.int16]:
    """The state at frame 0: int16 (height, width, 16) in [-1024, 1024], in units of 1/1024."""
    rows, columns = np.arange(height), np.arange(width)
    corner = ((rows - rows % start.patch)[:, None] * width + columns - columns % start.patch).ravel()
    halves = _halves(key, height * width)[corner]
    values = (halves[:, :CHANNELS] * (2 * start.amplitude + 1) >> 16) - start.amplitude
    active = (halves[:, CHANNELS] >> 8 < start.density) | inside(start.seeds, height, width).ravel()
    values = np.where(active[:, None], values, start.ground)
    for steady, value in start.steady.items():
        values[:, steady] = value
    if start.marked is not None:
        values[inside(start.marks, height, width).ravel(), start.marked] = STATE_ONE
    return values[:, list(fields)].astype(np.int16).reshape(height, width, CHANNELS)


def inside(rectangles: tuple[Rectangle, ...], height: int, width: int) -> NDArray[np.bool_]:
    """Which cells lie in one of ``rectangles``: (height, width)."""
    cells = np.zeros((height, width), dtype=bool)
    for top, left, tall, wide in rectangles:
        cells[np.ix_((top + np.arange(tall)) % height, (left + np.arange(wide)) % width)] = True
    return cells


def draw_rectangles(
    draws: Draws, count: int, height: int, width: int, smallest: int, largest: int
) -> tuple[Rectangle, ...]:
    """``count`` rectangles with sides of ``smallest`` to ``largest``, anywhere on the grid."""
    return tuple(
        (
            draws.between(0, height - 1),
            draws.between(0, width - 1),
            draws.between(smallest, largest),
            draws.between(smallest, largest),
        )
        for _ in range(count)
    )


def _halves(key: tuple[int, int], cells: int) -> NDArray[np.int32]:
    """24 uniform 16-bit numbers a cell: int32 (cells, 24), in [0, 2**16)."""
    words = [draw_words(key, STATE_STREAM, 0, cells, block) for block in range(3)]
    return np.concatenate(words, axis=1).astype("<u4", copy=False).view("<u2").astype(np.int32)
