"""Frame 0: noise, patches, sparse cells or seeds on a ground, and marks; drawn as fields, which channels carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.draws import STATE_STREAM, Draws, halves
from nca_assets.automaton.fixed_point import CHANNELS, STATE_ONE
from nca_assets.automaton.philox import draw_words

Rectangle = tuple[int, int, int, int]
"""Top, left, height, width; it wraps around the edges."""

EVERYWHERE = 256


@dataclass(frozen=True)
class Start:
    """The design of frame 0.

    The grid is tiled by squares of side ``patch``. Squares are active with probability ``density``/256, the cells of
    ``seeds`` always. In active cells each field is uniform in [-1, 1], with one value per square; elsewhere it is -1.
    The fields in ``quiet`` are -1 everywhere; the field ``marked`` is 1 in the cells of ``marks``, else -1.
    """

    kind: str
    patch: int = 1
    density: int = EVERYWHERE
    seeds: tuple[Rectangle, ...] = ()
    quiet: tuple[int, ...] = ()
    marked: int | None = None
    marks: tuple[Rectangle, ...] = ()


def draw_start(
    key: tuple[int, int], height: int, width: int, fields: tuple[int, ...], start: Start
) -> NDArray[np.int16]:
    """The state at frame 0: int16 (height, width, 16) in [-1024, 1024], in units of 1/1024.

    ``key`` is (seed, index), and channel c carries field ``fields[c]``.
    """
    rows, columns = np.arange(height), np.arange(width)
    corners = (rows - rows % start.patch)[:, None] * width + columns - columns % start.patch
    words = [draw_words(key, STATE_STREAM, 0, height * width, block) for block in range(3)]
    uniform = halves(np.concatenate(words, axis=1))[corners]
    active = (uniform[..., CHANNELS] >> 8 < start.density) | _inside(start.seeds, height, width)
    values = (uniform[..., :CHANNELS] * (2 * STATE_ONE + 1) >> 16) - STATE_ONE
    values[~active] = -STATE_ONE
    values[..., start.quiet] = -STATE_ONE
    if start.marked is not None:
        values[..., start.marked] = np.where(_inside(start.marks, height, width), STATE_ONE, -STATE_ONE)
    # Cell by cell, as the GPU's kernel reads them: indexing the channels leaves channels outermost in memory.
    return np.ascontiguousarray(values[..., fields], dtype=np.int16)


def draw_rectangles(draws: Draws, count: int, height: int, width: int, sides: tuple[int, int]) -> tuple[Rectangle, ...]:
    """``count`` rectangles anywhere on the grid, with sides drawn from the range ``sides``, inclusive."""
    return tuple(
        (draws.between(0, height - 1), draws.between(0, width - 1), draws.between(*sides), draws.between(*sides))
        for _ in range(count)
    )


def _inside(rectangles: Sequence[Rectangle], height: int, width: int) -> NDArray[np.bool_]:
    """Which cells lie in one of ``rectangles``: (height, width)."""
    cells = np.zeros((height, width), dtype=bool)
    for top, left, tall, wide in rectangles:
        cells[np.ix_((top + np.arange(tall)) % height, (left + np.arange(wide)) % width)] = True
    return cells
