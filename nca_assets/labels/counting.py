"""Counts over the frames of a rollout, compiled: how often tokens occur, follow each other, and stay the same.

Frames are uint8 (frames, height, width). Counts are of the 32 tokens, or of 256 where an imported rollout has more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numpy.typing import NDArray

from nca_assets.automaton.jit import compiled, emitted
from nca_assets.automaton.lattice import TOKENS

BYTES_AT_ONCE = 64

Frames = NDArray[np.uint8]
Counts = NDArray[np.int64]


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


def count_tokens(tokens: NDArray[np.uint8]) -> Counts:
    """How often each token occurs in each frame: int64 (frames, 32 or 256)."""
    return _count_tokens(np.ascontiguousarray(tokens).reshape(len(tokens), -1), _alphabet(tokens))


def count_transitions(tokens: NDArray[np.uint8]) -> Counts:
    """How often a cell goes from token i to token j in a step, over all steps: int64 (32, 32) or (256, 256)."""
    alphabet = _alphabet(tokens)
    counts = _count_transitions(np.ascontiguousarray(tokens).reshape(len(tokens), -1), alphabet)
    return counts.reshape(alphabet, alphabet)


def _alphabet(tokens: NDArray[np.uint8]) -> int:
    return TOKENS if tokens.max() < TOKENS else 256


@compiled
def _count_matches(frames, first, second):
    counts = np.zeros(first.size, dtype=np.int64)
    for pair in range(first.size):
        one, other = frames[first[pair]], frames[second[pair]]
        for start in range(0, one.size, BYTES_AT_ONCE):
            counts[pair] += _count_equal_bytes(one, other, start)
    return counts


@compiled
def _count_tokens(frames, alphabet):
    counts = np.zeros((frames.shape[0], alphabet), dtype=np.int64)
    for t in range(frames.shape[0]):
        of_frame = counts[t]
        for token in frames[t]:
            of_frame[token] += 1
    return counts


@compiled
def _count_transitions(frames, alphabet):
    counts = np.zeros(alphabet * alphabet, dtype=np.int64)
    for t in range(1, frames.shape[0]):
        before, after = frames[t - 1], frames[t]
        for cell in range(frames.shape[1]):
            counts[np.uint32(before[cell]) * np.uint32(alphabet) + np.uint32(after[cell])] += 1
    return counts


@emitted
def _count_equal_bytes(context, one, other, start):  # noqa: ARG001
    """How many of the 64 bytes from ``start`` on are equal: a compare and a population count."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.IntType(8), BYTES_AT_ONCE)

        def load(position: int) -> Any:
            array = context.make_array(signature.args[position])(context, builder, arguments[position])
            where = builder.gep(array.data, [arguments[2]])
            return builder.load(builder.bitcast(where, vector.as_pointer()), align=1)

        equal = builder.icmp_unsigned("==", load(0), load(1))
        return builder.ctpop(builder.bitcast(equal, ir.IntType(BYTES_AT_ONCE)))

    return types.int64(one, other, types.intp), generate
