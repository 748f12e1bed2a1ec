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
        self._flat = np.ascontiguousarray(tokens).ravel()

    def matches(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Counts:
        """For each pair of frame numbers, the number of cells whose tokens are equal: int64."""
        return _count_matches(self._flat, self.cells, first, second)


def count_shifted(earlier: Frames, later: Frames, down: range, right: range) -> Counts:
    """For each shift (dy, dx), the cells with later[t, y, x] = earlier[t, y - dy, x - dx] on the torus, over all t.

    ``earlier`` is (frames, height, width); of ``later`` the upper rows suffice, when fewer are to be compared. Returns
    int64 (len(down), len(right)) for every dy in ``down`` and dx in ``right``.
    """
    frames, height, width = earlier.shape
    turned = np.roll(earlier, right.start, axis=2).reshape(frames, -1)
    # Every frame twice, one below the other, so that a shift down is but a place to start from.
    space = np.empty((frames, len(right)), dtype=np.uint8)
    twice = np.concatenate([space, turned, turned], axis=1)
    flat = np.ascontiguousarray(later).reshape(frames, -1)
    return _count_shifted(flat, twice, width, -np.array(down) % height * width, len(right))


@compiled
def _count_matches(flat, cells, first, second):
    counts = np.empty(first.size, dtype=np.int64)
    for pair in range(first.size):
        counts[pair] = _count_equal(flat, first[pair] * cells, flat, second[pair] * cells, cells)
    return counts


@compiled
def _count_shifted(later, turned, width, down, to_right):
    counts = np.zeros((down.size, to_right), dtype=np.int64)
    for t in range(turned.shape[0]):
        frame = turned[t]
        for j in range(to_right):
            # One cell further to the right is one place further in memory, but that the last of a row comes first.
            first = to_right - j
            if j:
                for start in range(first, frame.size - width, width):
                    frame[start] = frame[start + width]
            for i in range(down.size):
                counts[i, j] += _count_equal(later[t], 0, frame, first + down[i], later.shape[1])
    return counts


@compiled
def _count_equal(one, here, other, there, size):
    """How many of ``size`` bytes are equal, of ``one`` from ``here`` on and of ``other`` from ``there`` on."""
    found = np.int64(0)
    if size < BYTES_AT_ONCE:
        for i in range(size):
            found += one[here + i] == other[there + i]
        return found
    rest = size % BYTES_AT_ONCE
    for start in range(0, size - rest, BYTES_AT_ONCE):
        found += _count_equal_bytes(one, here + start, other, there + start, np.int64(ALL_BYTES))
    if rest:
        # The last 64 bytes; of those that have been counted already, the bits are 0.
        start, wanted = size - BYTES_AT_ONCE, np.int64(ALL_BYTES) << np.int64(BYTES_AT_ONCE - rest)
        found += _count_equal_bytes(one, here + start, other, there + start, wanted)
    return found


@emitted
def _count_equal_bytes(context, one, here, other, there, wanted):  # noqa: ARG001
    """How many of the 64 bytes from ``here`` and ``there`` on are equal, of those whose bits are set in ``wanted``."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.IntType(8), BYTES_AT_ONCE)

        def load(position: int) -> Any:
            array = context.make_array(signature.args[position])(context, builder, arguments[position])
            where = builder.gep(array.data, [arguments[position + 1]])
            return builder.load(builder.bitcast(where, vector.as_pointer()), align=1)

        equal = builder.icmp_unsigned("==", load(0), load(2))
        return builder.ctpop(builder.and_(builder.bitcast(equal, ir.IntType(BYTES_AT_ONCE)), arguments[4]))

    return types.int64(one, types.intp, other, types.intp, types.int64), generate
