"""Philox4x32-10 in plain integers, from section 2 of docs/SPEC.md."""

import numpy as np

MASK = 0xFFFFFFFF


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> list[int]:
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (product1 >> 32) ^ c1 ^ k0, product1 & MASK, (product0 >> 32) ^ c3 ^ k1, product0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return [c0, c1, c2, c3]


def philox_cells(stream: int, step: int, cells: int, block: int, key: tuple[int, int]) -> np.ndarray:
    """Words for the counters (stream, step, 0 … cells - 1, block): uint64 (cells, 4)."""
    mask, shift = np.uint64(MASK), np.uint64(32)
    c0, c1 = np.full(cells, stream, np.uint64), np.full(cells, step, np.uint64)
    c2, c3 = np.arange(cells, dtype=np.uint64), np.full(cells, block, np.uint64)
    k0, k1 = key
    for _ in range(10):
        product0, product1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (
            (product1 >> shift) ^ c1 ^ np.uint64(k0),
            product1 & mask,
            (product0 >> shift) ^ c3 ^ np.uint64(k1),
            product0 & mask,
        )
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return np.stack([c0, c1, c2, c3], axis=1)
