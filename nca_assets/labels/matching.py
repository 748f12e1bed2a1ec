"""Matches between frames, compiled: the cells that are the same in two frames, as they lie or shifted on the torus."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numpy.typing import NDArray

from nca_assets.automaton.jit import compiled, emitted
from nca_assets.labels.counting import Counts, Frames

BYTES_AT_ONCE = 64
ALL_BYTES = -1


class MatchCounter:
    """Counts the cells in which two frames of a rollout (frames, height, width) are the same."""

    def __init__(self, tokens: NDArray[np.uint8]) -> None:
        self.frames, self.cells = len(tokens), tokens[0].size
        padded = -(-self.cells // BYTES_AT_ONCE) * BYTES_AT_ONCE
        # What pads a frame matches in every pair and is taken off again.
        self._padded = np.zeros((self.frames, padded), dtype=np.uint8)
        self._padded[:, : self.cells] = tokens.reshape(self.frames, -1)

    def matches(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Counts:
        """For each pair of frame numbers, the number of cells whose tokens are equal: int64."""
        return _count_matches(self._padded, first, second) - (self._padded.shape[1] - self.cells)


def count_shifted(earlier: Frames, later: Frames, down: range, right: range) -> Counts:
    """For each shift (dy, dx), the cells with later[t, y, x] = earlier[t, y - dy, x - dx] on the torus, over all t.

    ``earlier`` is (frames, height, width); of ``later`` the upper rows suffice, when fewer are to be compared. Returns
    int64 (len(down), len(right)) for every dy in ``down`` and dx in ``right``.
    """
    frames, rows, width = later.shape
    padded = np.zeros((frames, rows, width + BYTES_AT_ONCE), dtype=np.uint8)
    padded[:, :, :width] = later
    # Every row twice, so that a shift to the right is but a place to start from.
    twice = np.zeros((frames, earlier.shape[1], 2 * width + BYTES_AT_ONCE), dtype=np.uint8)
    twice[:, :, :width] = twice[:, :, width : 2 * width] = earlier
    return _count_shifted(twice, padded, width, np.array(down), -np.array(right) % width)


@compiled
def _count_matches(frames, first, second):
    counts = np.zeros(first.size, dtype=np.int64)
    for pair in range(first.size):
        one, other = frames[first[pair]], frames[second[pair]]
        for start in range(0, one.size, BYTES_AT_ONCE):
            counts[pair] += _count_equal_bytes(one, other, start, ALL_BYTES)
    return counts


@compiled
def _count_shifted(twice, later, width, down, starts):
    frames, height = twice.shape[:2]
    counts = np.zeros((down.size, starts.size), dtype=np.int64)
    last = width - width % BYTES_AT_ONCE
    of_last = (np.int64(1) << np.int64(width % BYTES_AT_ONCE)) - np.int64(1)
    for t in range(frames):
        for i in range(down.size):
            for y in range(later.shape[1]):
                now, before = later[t, y], twice[t, (y - down[i]) % height]
                for j in range(starts.size):
                    moved, found = before[starts[j] :], np.int64(0)
                    for start in range(0, last, BYTES_AT_ONCE):
                        found += _count_equal_bytes(now, moved, start, ALL_BYTES)
                    counts[i, j] += found + _count_equal_bytes(now, moved, last, of_last)
    return counts


@emitted
def _count_equal_bytes(context, one, other, start, wanted):  # noqa: ARG001
    """How many of the 64 bytes from ``start`` on are equal, of those whose bits are set in ``wanted``."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.IntType(8), BYTES_AT_ONCE)

        def load(position: int) -> Any:
            array = context.make_array(signature.args[position])(context, builder, arguments[position])
            where = builder.gep(array.data, [arguments[2]])
            return builder.load(builder.bitcast(where, vector.as_pointer()), align=1)

        equal = builder.icmp_unsigned("==", load(0), load(1))
        return builder.ctpop(builder.and_(builder.bitcast(equal, ir.IntType(BYTES_AT_ONCE)), arguments[3]))

    return types.int64(one, other, types.intp, types.int64), generate
