"""Counts of tokens and their transitions over the frames of a rollout, compiled.

Frames are uint8 (frames, height, width). Counts are of the 32 tokens, or of 256 if an imported rollout uses more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.automaton.jit import compiled
from nca_assets.shards.counting import TABLES, tally

Frames = NDArray[np.uint8]
Counts = NDArray[np.int64]


def count_tokens(tokens: NDArray[np.uint8]) -> Counts:
    """How often each token occurs in each frame: int64 (frames, 32 or 256)."""
    return _count_tokens(np.ascontiguousarray(tokens).reshape(len(tokens), -1), alphabet(tokens))


def count_transitions(tokens: NDArray[np.uint8]) -> Counts:
    """How often a cell goes from token i to token j in a step, over all steps: int64 (32, 32) or (256, 256)."""
    size = alphabet(tokens)
    flat, cells = np.ascontiguousarray(tokens).ravel(), tokens[0].size
    return _count_transitions(flat[:-cells], flat[cells:], size).reshape(size, size)


def alphabet(tokens: NDArray[np.uint8]) -> int:
    """The number of tokens to count: 32, or 256 if higher ones occur."""
    return TOKENS if tokens.max() < TOKENS else 256


@compiled
def _count_tokens(frames, alphabet):
    counts = np.empty((frames.shape[0], alphabet), dtype=np.int64)
    for t in range(frames.shape[0]):
        counts[t] = tally(frames[t], alphabet)
    return counts


@compiled
def _count_transitions(before, after, alphabet):
    tables = np.zeros((TABLES, alphabet * alphabet), dtype=np.int64)
    for cell in range(before.size):
        tables[cell % TABLES, np.uint32(before[cell]) * np.uint32(alphabet) + np.uint32(after[cell])] += 1
    return tables.sum(axis=0)
