"""The automaton once more, from the words of docs/SPEC.md alone: NumPy and Python integers, no torch.

It shares no code with the package, so that a test may hold the two against each other.
"""

from dataclasses import dataclass
from math import isqrt

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


def shape(seed: int, index: int) -> tuple[int, int]:
    block = index // 32
    start = philox((0, 0, 0, 0), (seed, 0))
    u, v = (start[0] + 49471 * block) % 65536, (start[1] + 37345 * block) % 65536
    flip = philox((0, 1, 0, 0), (seed, block))[0] % 2
    side = 8 + (isqrt(u**3) * 41) // 2**24
    widest = min(32, (32 * 48) // side - 32, (32 * side) // 8 - 32)
    stretch = 32 + (v * (widest + 1)) // 65536
    long, short = (side * stretch + 16) // 32, (32 * side + stretch // 2) // stretch
    return (long, short) if flip else (short, long)


@dataclass
class Recipe:
    height: int
    width: int
    shift: int
    leak: int
    noise_shift: int
    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray


# Of 32: the regime's share; then gains, residual shifts, leaks, noise shifts, and whether it has a single tap.
REGIMES = [
    (8, (24, 44), (8, 44), [0], [80, 96], [13, 14, 15, 16], False),
    (3, (24, 44), (16, 44), [3, 4], [0, 16], [11, 12], False),
    (14, (24, 44), (8, 44), [5, 6, 7], [0, 16, 32, 48, 64], [14, 15, 16], False),
    (4, (12, 36), (12, 36), [0], [72, 80], [13, 14, 15, 16], True),
    (3, (6, 24), (6, 24), [0], [112, 128], [13, 14, 15, 16], True),
]


def recipe(seed: int, index: int) -> Recipe:
    key = (seed, index)
    x, y = philox((1, 0, 0, 0), key), philox((1, 0, 0, 1), key)

    def choose(word: int, choices: list[int]) -> int:
        return choices[word * len(choices) // 2**32]

    which = choose(x[0], [r for r, regime in enumerate(REGIMES) for _ in range(regime[0])])
    _, gains_in, gains_out, shifts, leaks, noise_shifts, single = REGIMES[which]
    gain_in = choose(x[1], list(range(gains_in[0], gains_in[1] + 1)))
    gain_out = choose(x[2], list(range(gains_out[0], gains_out[1] + 1)))

    def uniform(part: int, count: int, gain: int) -> np.ndarray:
        halves = [h for i in range(count // 8) for w in philox((2, part, i, 0), key) for h in (w % 65536, w // 65536)]
        return np.array([h * (2 * gain + 1) // 65536 - gain for h in halves], dtype=np.int64)

    def kernel(part: int, gain: int, word: int) -> np.ndarray:
        weights = uniform(part, 2304, gain).reshape(16, 16, 3, 3)
        if not single:
            return weights
        tap = word * 9 // 2**32
        alone = np.zeros_like(weights)
        alone[:, :, tap // 3, tap % 3] = 3 * weights[:, :, tap // 3, tap % 3]
        return alone

    height, width = shape(seed, index)
    return Recipe(
        height,
        width,
        shift=choose(x[3], shifts),
        leak=choose(y[0], leaks),
        noise_shift=choose(y[1], noise_shifts),
        w1=kernel(0, gain_in, y[2]),
        b1=uniform(1, 16, gain_in),
        w2=kernel(2, gain_out, y[3]),
        b2=uniform(3, 16, gain_out),
    )


def round_half_even(values: np.ndarray, divisor: int) -> np.ndarray:
    quotient, rest = values // divisor, values % divisor
    up = (2 * rest > divisor) | ((2 * rest == divisor) & (quotient % 2 == 1))
    return quotient + up


def convolve(state: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """im2col: the nine shifted copies of the torus as columns of one float64 matrix product (exact to 2**53)."""
    shifted = [np.roll(state, (1 - ky, 1 - kx), axis=(1, 2)) for ky in range(3) for kx in range(3)]
    columns = np.stack(shifted, axis=1).reshape(16 * 9, -1).astype(np.float64)
    sums = weights.reshape(16, 16 * 9).astype(np.float64) @ columns
    return (sums.astype(np.int64) + 1024 * bias[:, None]).reshape(state.shape)


def states(seed: int, index: int, frames: int) -> np.ndarray:
    """States in units of 1/1024: int64 (frames, 16, height, width)."""
    key, r = (seed, index), recipe(seed, index)
    cells, grid = r.height * r.width, (16, r.height, r.width)
    words = np.concatenate([philox_cells(3, 0, cells, block, key) for block in (0, 1)], axis=1).astype(np.int64)
    halves = np.stack([words % 65536, words // 65536], axis=2).reshape(cells, 16)
    state = (halves * 2049 // 65536 - 1024).T.reshape(grid)
    history = [state]
    for t in range(1, frames):
        words = philox_cells(4, t, cells, 0, key).astype(np.int64)
        octets = np.stack([words >> s & 255 for s in (0, 8, 16, 24)], axis=2).reshape(cells, 16)
        noise = (2 * octets - 255).T.reshape(grid)
        hidden = np.clip(round_half_even(convolve(state, r.w1, r.b1), 64), -1024, 1024)
        update = convolve(hidden, r.w2, r.b2) - r.leak * state
        fine = state * 64 * 2**r.shift + update + noise * 2 ** (16 + r.shift - r.noise_shift)
        state = np.clip(round_half_even(fine, 64 * 2**r.shift), -1024, 1024)
        history.append(state)
    return np.stack(history)


def tokens(states: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """uint8 (frames, height, width), for centroids in units of 1/1024: int64 (32, 16)."""
    frames, _, height, width = states.shape
    scores = centroids.astype(np.float64) @ states.transpose(1, 0, 2, 3).reshape(16, -1).astype(np.float64)
    return scores.argmax(axis=0).reshape(frames, height, width).astype(np.uint8)
