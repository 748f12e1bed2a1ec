"""Matches between frames, compiled: the equal cells of two frames, in place or shifted on the torus."""

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
    """Counts the equal cells of two frames of a rollout (frames, height, width)."""

    def __init__(self, tokens: NDArray[np.uint8]) -> None:
        self.frames, self.cells = len(tokens), tokens[0].size
        self._flat = np.ascontiguousarray(tokens).ravel()

    def matches(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Counts:
        """For each pair of frame numbers, the number of cells whose tokens are equal: int64."""
        counts = np.zeros(len(first), dtype=np.int64)
        _add_equal(counts, self._flat, first * self.cells, self._flat, second * self.cells, self.cells)
        return counts


def count_shifted(earlier: Frames, later: Frames, down: range, right: range) -> Counts:
    """For each shift (dy, dx), the cells with later[t, y, x] = earlier[t, y - dy, x - dx] on the torus, over all t.

    ``earlier`` is (frames, height, width); ``later`` may have fewer rows, the upper ones, to compare only these.
    Returns int64 (len(down), len(right)) for every dy in ``down`` and dx in ``right``.
    """
    frames, height, width = earlier.shape
    turned = np.roll(earlier, right.start, axis=2).reshape(frames, -1)
    # Every frame twice, one below the other, so that a shift down is just an offset.
    space = np.empty((frames, len(right)), dtype=np.uint8)
    twice = np.concatenate([space, turned, turned], axis=1)
    flat = np.ascontiguousarray(later).reshape(frames, -1)
    return _count_shifted(flat, twice, width, -np.array(down) % height * width, len(right))


@compiled
def _count_shifted(later, turned, width, down, to_right):
    counts = np.zeros((to_right, down.size), dtype=np.int64)
    here = np.zeros(down.size, dtype=np.int64)
    for t in range(turned.shape[0]):
        frame = turned[t]
        for j in range(to_right):
            # One cell to the right is one place on in memory, except that the last cell of a row wraps to its start.
            first = to_right - j
            if j:
                for start in range(first, frame.size - width, width):
                    frame[start] = frame[start + width]
            _add_equal(counts[j], later[t], here, frame, first + down, later.shape[1])
    return counts.T


@compiled
def _add_equal(counts, one, here, other, there, size):
    """Add to each of ``counts`` the number of equal bytes among ``size`` in ``one`` from ``here`` and ``other`` from
    ``there``."""
    rest = size % BYTES_AT_ONCE
    # The last 64 bytes overlap those before: the bits of bytes already counted are 0.
    last, of_last = size - BYTES_AT_ONCE, np.int64(ALL_BYTES) << np.int64(BYTES_AT_ONCE - rest)
    for pair in range(counts.size):
        first, second, found = here[pair], there[pair], np.int64(0)
        if size < BYTES_AT_ONCE:
            for i in range(size):
                found += one[first + i] == other[second + i]
        else:
            for start in range(0, size - rest, BYTES_AT_ONCE):
                found += _count_equal_bytes(one, first + start, other, second + start, np.int64(ALL_BYTES))
            if rest:
                found += _count_equal_bytes(one, first + last, other, second + last, of_last)
        counts[pair] += found


@emitted
def _count_equal_bytes(context, one, here, other, there, wanted):  # noqa: ARG001
    """The number of equal bytes among the 64 from ``here`` and ``there``, restricted to the bits set in ``wanted``."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.IntType(8), BYTES_AT_ONCE)

        def load(position: int) -> Any:
            array = context.make_array(signature.args[position])(context, builder, arguments[position])
            where = builder.gep(array.data, [arguments[position + 1]])
            return builder.load(builder.bitcast(where, vector.as_pointer()), align=1)

        equal = builder.icmp_unsigned("==", load(0), load(2))
        return builder.ctpop(builder.and_(builder.bitcast(equal, ir.IntType(BYTES_AT_ONCE)), arguments[4]))

    return types.int64(one, types.intp, other, types.intp, types.int64), generate
