"""Hand-made movies whose behavior is known by construction: uint8 (frames, height, width)."""

import numpy as np

FRAMES = 300


def picture(height: int = 12, width: int = 17, seed: int = 0) -> np.ndarray:
    """A frame without any symmetry."""
    return np.random.default_rng(seed).integers(0, 32, (height, width), dtype=np.uint8)


def uniform(token: int = 0) -> np.ndarray:
    return np.full((FRAMES, 8, 48), token, dtype=np.uint8)


def frozen(frame: np.ndarray) -> np.ndarray:
    return np.repeat(frame[None], FRAMES, axis=0)


def cycle(period: int, height: int = 12, width: int = 17) -> np.ndarray:
    """``period`` different random frames, over and over."""
    frames = np.stack([picture(height, width, seed) for seed in range(period)])
    return frames[np.arange(FRAMES) % period]


def moving(frame: np.ndarray, period: int, dy: int, dx: int) -> np.ndarray:
    """``frame`` shifted by (dy, dx) every ``period`` frames, changing in a way of its own in between."""
    history = []
    for t in range(FRAMES):
        moves, phase = divmod(t, period)
        history.append(np.roll((frame + phase) % 32, (moves * dy, moves * dx), axis=(0, 1)))
    return np.stack(history).astype(np.uint8)


def noise(height: int = 20, width: int = 20, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 32, (FRAMES, height, width), dtype=np.uint8)


def flickering(movie: np.ndarray, share: float, seed: int = 2) -> np.ndarray:
    """``movie`` with that share of its cells replaced by random tokens in every frame."""
    rng = np.random.default_rng(seed)
    hit = rng.random(movie.shape) < share
    return np.where(hit, rng.integers(0, 32, movie.shape), movie).astype(np.uint8)


def settled_at(movie: np.ndarray, frame: int) -> np.ndarray:
    """``movie`` until ``frame``, then frozen."""
    still = movie.copy()
    still[frame:] = still[frame]
    return still


def life(cells: list[tuple[int, int]], side: int = 20, frames: int = FRAMES) -> np.ndarray:
    """Conway's Game of Life on a torus, from live ``cells``."""
    grid = np.zeros((side, side), dtype=np.uint8)
    for y, x in cells:
        grid[y, x] = 1
    history = []
    for _ in range(frames):
        history.append(grid)
        shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
        neighbours = sum(np.roll(grid, shift, axis=(0, 1)) for shift in shifts)
        grid = ((neighbours == 3) | ((neighbours == 2) & (grid == 1))).astype(np.uint8)
    return np.stack(history)


GLIDER = [(0, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
BLINKER = [(5, 4), (5, 5), (5, 6)]
BLOCK = [(5, 5), (5, 6), (6, 5), (6, 6)]


def settling(height: int = 20, width: int = 20, seed: int = 3) -> np.ndarray:
    """Noise that freezes cell by cell; at the end one cell in forty still flickers, ever more rarely."""
    rng = np.random.default_rng(seed)
    movie = noise(height, width, seed)
    stops = rng.integers(1, FRAMES - 140, (height, width))
    restless = rng.random((height, width)) < 1 / 40
    for t in range(1, FRAMES):
        resting = (t >= stops) & ~(restless & (rng.random((height, width)) < (FRAMES - t) / FRAMES))
        movie[t] = np.where(resting, movie[t - 1], movie[t])
    return movie


def elementary(rule: int, row: np.ndarray, height: int = 8, frames: int = FRAMES) -> np.ndarray:
    """Wolfram's elementary cellular automaton ``rule`` on a ring, its row stacked ``height`` times."""
    history = []
    for _ in range(frames):
        history.append(np.repeat(row[None], height, axis=0))
        row = (rule >> (4 * np.roll(row, 1) + 2 * row + np.roll(row, -1)) & 1).astype(np.uint8)
    return np.stack(history)


def elementary_with_twin(rule: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The movie of a random row, and of the same row with one cell flipped."""
    row = np.random.default_rng(seed).integers(0, 2, width, dtype=np.uint8)
    flipped = row.copy()
    flipped[width // 2] ^= 1
    return elementary(rule, row), elementary(rule, flipped, frames=112)


GOSPER_GUN = [
    (5, 1), (5, 2), (6, 1), (6, 2), (5, 11), (6, 11), (7, 11), (4, 12), (8, 12), (3, 13), (9, 13), (3, 14), (9, 14),
    (6, 15), (4, 16), (8, 16), (5, 17), (6, 17), (7, 17), (6, 18), (3, 21), (4, 21), (5, 21), (3, 22), (4, 22), (5, 22),
    (2, 23), (6, 23), (1, 25), (2, 25), (6, 25), (7, 25), (3, 35), (4, 35), (3, 36), (4, 36),
]  # fmt: skip
