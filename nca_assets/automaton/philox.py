"""Philox4x32-10: counter-based random numbers (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).

The same generator as cuRAND's and Triton's. Twice: in torch int64, one text for CPU and GPU, and compiled for the CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.jit import compiled

if TYPE_CHECKING:
    from torch import Tensor

    Word = Tensor | int

# torch is imported where it computes: rules are drawn, and their families listed, without its seconds.

MASK = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


def philox4x32(counter: tuple[Word, Word, Word, Word], key: tuple[Word, Word]) -> tuple[Tensor, ...]:
    """Four uniform 32-bit words for each counter and key.

    Words are int64 tensors of any broadcastable shapes (or plain ints), with values in [0, 2**32). At least one
    must be a tensor. The four results have the broadcast shape and the same range.
    """
    import torch

    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        high0, low0 = _multiply(MULTIPLIERS[0], c0)
        high1, low1 = _multiply(MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return tuple(torch.broadcast_tensors(*(torch.as_tensor(word) for word in (c0, c1, c2, c3))))


def _multiply(a: int, b: Word) -> tuple[Word, Word]:
    # int64 wraps beyond 2**63, but the low 64 bits stay right, and masking drops the sign's copies.
    product = a * b
    return (product >> 32) & MASK, product & MASK


def octets(words: tuple[Tensor, ...]) -> Tensor:
    """The sixteen bytes of four 32-bit words, low byte first, along a new last axis: uint8."""
    import torch

    # The conversion keeps the low 32 bits; the view reads them as every machine that torch runs on lays them out, low
    # byte first.
    return torch.stack([word.to(torch.int32) for word in words], dim=-1).view(torch.uint8)


def draw_words(key: tuple[int, int], stream: int, step: int, cells: int, block: int = 0) -> NDArray[np.uint32]:
    """The words of the counters (stream, step, 0 … cells - 1, block): uint32 (cells, 4)."""
    words = np.empty((4, cells), dtype=np.uint32)
    fill_words(words, np.arange(cells, dtype=np.uint32), 0, key[0], key[1], stream, step, block)
    return np.ascontiguousarray(words.T)


@compiled
def fill_words(words, cells, first, seed, index, stream, step, block):
    """Fill ``words``, uint32 (4, n), with those of the counters (stream, step, cell, block) of n ``cells``, uint32,
    from the ``first`` on.
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
