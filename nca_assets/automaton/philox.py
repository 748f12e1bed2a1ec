"""Philox4x32-10: counter-based random numbers (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).

The same generator as cuRAND's and Triton's, compiled for the CPU.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.jit import compiled

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


def draw_words(key: tuple[int, int], stream: int, step: int, cells: int, block: int = 0) -> NDArray[np.uint32]:
    """The words of the counters (stream, step, 0 … cells - 1, block): uint32 (cells, 4)."""
    words = np.empty((4, cells), dtype=np.uint32)
    fill_words(words, np.arange(cells, dtype=np.uint32), 0, key[0], key[1], stream, step, block)
    return np.ascontiguousarray(words.T)


@compiled
def fill_words(words, cells, first, seed, index, stream, step, block):
    """Fill ``words``, uint32 (4, n), for the counters (stream, step, cell, block) of n ``cells``, uint32, from index
    ``first`` on.
    """
    cells = cells[first : first + words.shape[1]]
    for i in range(cells.size):
        c0, c1, c2, c3 = np.uint32(stream), np.uint32(step), cells[i], np.uint32(block)
        k0, k1 = np.uint32(seed), np.uint32(index)
        for _ in range(ROUNDS):
            product0, product1 = np.uint64(MULTIPLIERS[0]) * np.uint64(c0), np.uint64(MULTIPLIERS[1]) * np.uint64(c2)
            c0, c1 = np.uint32(product1 >> np.uint64(32)) ^ c1 ^ k0, np.uint32(product1)
            c2, c3 = np.uint32(product0 >> np.uint64(32)) ^ c3 ^ k1, np.uint32(product0)
            k0, k1 = np.uint32(k0 + np.uint32(WEYL[0])), np.uint32(k1 + np.uint32(WEYL[1]))
        words[0, i], words[1, i], words[2, i], words[3, i] = c0, c1, c2, c3
