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


def moving_as_it_is(frame: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """``frame`` shifted by (dy, dx) in every frame."""
    return np.stack([np.roll(frame, (t * dy, t * dx), axis=(0, 1)) for t in range(FRAMES)])


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


def phases(turns: np.ndarray, tokens: int = 8) -> np.ndarray:
    """The tokens of phases (frames, height, width) in turns, each as long as the others."""
    return (np.floor(turns * tokens + 1e-6) % tokens).astype(np.uint8)


def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame numbers, and coordinates from the middle, to be broadcast."""
    y, x = np.mgrid[:height, :width]
    return np.arange(FRAMES)[:, None, None], (y - height // 2)[None], (x - width // 2)[None]


def spiral(height: int = 40, width: int = 40, length: int = 16, period: int = 20) -> np.ndarray:
    """A wave that turns around the middle."""
    t, y, x = _grid(height, width)
    return phases(np.arctan2(y, x) / (2 * np.pi) + np.hypot(y, x) / length - t / period)


def target(height: int = 40, width: int = 40, length: int = 16, period: int = 20) -> np.ndarray:
    """Rings that leave the middle."""
    t, y, x = _grid(height, width)
    return phases(np.hypot(y, x) / length - t / period)


def collision(height: int = 16, width: int = 48, length: int = 12, period: int = 18) -> np.ndarray:
    """Plane waves that leave the middle to the left and to the right, and meet at the edges."""
    t, y, x = _grid(height, width)
    return phases(abs(x) / length - t / period + 0 * y)


def stream(height: int = 24, width: int = 36, length: int = 12) -> np.ndarray:
    """Stripes that move to the right, in the upper half faster than in the lower one: never the same picture again."""
    t, y, x = _grid(height, width)
    return phases(x / length - t / np.where(y < 0, 20, 22))


def blinking(tokens: int = 6, frames: int = 4, height: int = 16, width: int = 20) -> np.ndarray:
    """A grid all of one token, which turns."""
    return np.broadcast_to(
        phases(np.arange(FRAMES) / (tokens * frames), tokens)[:, None, None], (FRAMES, height, width)
    )


def breathers(ground: np.ndarray, period: int) -> np.ndarray:
    """Three squares on ``ground`` that turn from token to token, and shrink and grow."""
    movie = ground.copy()
    for t in range(len(movie)):
        phase = t % period
        size = 2 + (phase > period // 2)
        for y, x in ((3, 4), (9, 15), (12, 7)):
            movie[t, y : y + size, x : x + size] = 20 + phase // 3
    return movie


def gliders() -> np.ndarray:
    """Five of Life's gliders on their way in one direction."""
    places = [(2, 3), (2, 20), (14, 10), (22, 25), (24, 2)]
    return life([(y + dy, x + dx) for dy, dx in places for y, x in GLIDER], side=36)


def own_phases(height: int = 20, width: int = 20, period: int = 12, seed: int = 4) -> np.ndarray:
    """Every cell turns in place, from a phase of its own."""
    first = np.random.default_rng(seed).random((height, width))
    return phases(first + np.arange(FRAMES)[:, None, None] / period)


def turbulence(height: int = 32, width: int = 32, seed: int = 5) -> np.ndarray:
    """The phase of complex noise that is smooth in space and time: domains that come and go without any rhythm."""
    parts = np.random.default_rng(seed).normal(size=(2, FRAMES, height, width))
    for axis in (1, 2, 3):
        parts = np.sum([np.roll(parts, shift, axis) for shift in range(-3, 4)], axis=0)
    return phases(np.arctan2(*parts) / (2 * np.pi), 6)


def growing_domains(height: int = 40, width: int = 40, seed: int = 6) -> np.ndarray:
    """Domains that grow from places all over the grid at half a cell a frame, each over what was there before."""
    rng = np.random.default_rng(seed)
    movie = np.zeros((FRAMES, height, width), dtype=np.uint8)
    for start in range(0, FRAMES, 12):
        token, y, x = rng.integers(1, 32), rng.integers(height), rng.integers(width)
        rows = np.minimum(abs(np.arange(height) - y), height - abs(np.arange(height) - y))
        columns = np.minimum(abs(np.arange(width) - x), width - abs(np.arange(width) - x))
        distance = np.hypot(rows[:, None], columns[None])
        for t in range(start, FRAMES):
            movie[t:][:, distance < (t - start) / 2] = token
    return movie


def sparks(share: float = 0.004) -> np.ndarray:
    """A still ground on which a cell lights up now and then."""
    return flickering(frozen(np.full((20, 24), 3, dtype=np.uint8)), share)


def elementary(rule: int, row: np.ndarray, height: int = 8, frames: int = FRAMES) -> np.ndarray:
    """Wolfram's elementary cellular automaton ``rule`` on a ring, its row stacked ``height`` times."""
    history = []
    for _ in range(frames):
        history.append(np.repeat(row[None], height, axis=0))
        row = (rule >> (4 * np.roll(row, 1) + 2 * row + np.roll(row, -1)) & 1).astype(np.uint8)
    return np.stack(history)


def random_elementary(rule: int, width: int, seed: int) -> np.ndarray:
    """The movie of a random row."""
    return elementary(rule, np.random.default_rng(seed).integers(0, 2, width, dtype=np.uint8))


GOSPER_GUN = [
    (5, 1), (5, 2), (6, 1), (6, 2), (5, 11), (6, 11), (7, 11), (4, 12), (8, 12), (3, 13), (9, 13), (3, 14), (9, 14),
    (6, 15), (4, 16), (8, 16), (5, 17), (6, 17), (7, 17), (6, 18), (3, 21), (4, 21), (5, 21), (3, 22), (4, 22), (5, 22),
    (2, 23), (6, 23), (1, 25), (2, 25), (6, 25), (7, 25), (3, 35), (4, 35), (3, 36), (4, 36),
]  # fmt: skip
