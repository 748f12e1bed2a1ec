"""The dynamics once more, from the words of docs/SPEC.md alone: NumPy and Python integers, no torch.

With ``integer_philox``, ``integer_sketch`` and ``integer_families`` it shares no code with the package, so that a test
may hold the two against each other.
"""

import numpy as np

from nca_assets_tests.automaton.integer_philox import philox_cells
from nca_assets_tests.automaton.integer_sketch import Recipe, start


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


def states(r: Recipe, frames: int) -> np.ndarray:
    """States of a rollout in units of 1/1024: int64 (frames, 16, height, width)."""
    state = np.array(start(r), dtype=np.int64).T.reshape(16, r.height, r.width)
    history = [state]
    for t in range(1, frames):
        state = step(state, r, step_noise((r.seed, r.index), t, r.height, r.width))
        history.append(state)
    return np.stack(history)


def step_noise(key: tuple[int, int], t: int, height: int, width: int) -> np.ndarray:
    """Of the step that makes frame t: odd int64 (16, height, width)."""
    words = philox_cells(4, t, height * width, 0, key).astype(np.int64)
    octets = np.stack([words >> s & 255 for s in (0, 8, 16, 24)], axis=2).reshape(-1, 16)
    return (2 * octets - 255).T.reshape(16, height, width)


def step(state: np.ndarray, r: Recipe, noise: np.ndarray | int) -> np.ndarray:
    hidden = np.clip(round_half_even(convolve(state, r.w1, r.b1), 64), -1024, 1024)
    update = convolve(hidden, r.w2, r.b2) - r.leak * state
    fine = state * 64 * 2**r.shift + update + noise * 2 ** (16 + r.shift - r.noise_shift)
    return np.clip(round_half_even(fine, 64 * 2**r.shift), -1024, 1024)


def tokens(states: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """uint8 (frames, height, width), for centroids in units of 1/1024: int64 (32, 16)."""
    frames, _, height, width = states.shape
    scores = centroids.astype(np.float64) @ states.transpose(1, 0, 2, 3).reshape(16, -1).astype(np.float64)
    return scores.argmax(axis=0).reshape(frames, height, width).astype(np.uint8)
