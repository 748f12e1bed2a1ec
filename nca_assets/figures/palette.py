"""Token colors, the same in every picture: similar tokens have similar colors."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.ids import is_own

Colors = NDArray[np.uint8]
"""Red, green, blue of each token: (32, 3)."""

APART = 0.11
"""Minimum OKLab distance between two tokens' colors; about 0.02 is just noticeable."""

ROUNDS = 100
"""Rounds in which colors that are too close push each other apart."""

# Linear RGB to the responses of the cones, and their cube roots to OKLab: bottosson.github.io/posts/oklab
CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929],
     [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468],
     [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip

DISTINCT = (
    "0f0f1e f0d21e 87e1ff 1e4b87 2d4bb4 e1ffff 5ad24b 5ac3c3 1e0078 b4ffb4 693c4b 783c2d f0f087 0000ff 0000b4 4ba587 "
    "e18700 3ce1b4 0f003c 5aa5d2 4b1e4b ffff69 2d7887 1e5aff 001e00 5a87ff ffff00 96b469 0f78c3 2d872d 87a5ff c31e00"
)
"""Colors in hexadecimal for tokens of unknown meaning.

They are maximally distinct for all viewers: any two differ by 17 or more in CIELAB, even without red or green receptors
(simulated after Machado, Oliveira and Fernandes, 2009).
"""


def colors_of(set_name: str, data: DataFolder) -> Colors:
    """The colors of a set's tokens: derived from the vocabulary or, for an imported set, distinct ones.

    Raises ``NcaError`` if the vocabulary is missing or invalid.
    """
    if not is_own(set_name):
        return distinct_colors()
    from nca_assets.vocabulary.centroids import load_centroids

    centroids = load_centroids(data).numpy()
    return _colors_of_bytes(centroids.tobytes(), centroids.dtype.str, centroids.shape).copy()


@lru_cache(maxsize=4)
def _colors_of_bytes(centroids: bytes, dtype: str, shape: tuple[int, ...]) -> Colors:
    """Cached, since a run draws the pictures of many shards."""
    return vocabulary_colors(np.frombuffer(centroids, dtype).reshape(shape))


def vocabulary_colors(centroids: NDArray[np.floating]) -> Colors:
    """The color of each of the centroids (32, 16), by its position in state space; token 0 is dark.

    Families write their patterns into channels 0, 2, 4, 6 and 1, 3, 5, 7 (a and b), a second one into those from 8 on
    (c and d): a + b is lightness, a - b goes from blue to orange, c - d from green to magenta. A wave's phases are thus
    dark, red, pale, blue, and dark again.
    """
    state = np.clip(4 * centroids.astype(np.float64), -1, 1)
    a, b, c, d = (
        state[:, of].mean(axis=1) for of in (slice(0, 8, 2), slice(1, 8, 2), slice(8, 14, 2), slice(9, 14, 2))
    )
    rest = state[:, 14:].mean(axis=1)
    both, difference, second, turn = (a + b) / 2, (a - b) / 2, (c + d) / 2, (c - d) / 2
    lab = np.stack(
        [
            0.65 + 0.30 * both + 0.05 * difference + 0.05 * second + 0.08 * rest,
            0.09 * difference + 0.08 * turn,
            0.16 * difference + 0.10 * both + 0.03 * turn - 0.03 * second - 0.04 * rest,
        ],
        axis=1,
    )
    rgb = _linear(_apart(lab)).clip(0, 1)
    return (255 * np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)).round().astype(np.uint8)


def distinct_colors() -> Colors:
    """The 32 colors of ``DISTINCT``."""
    return np.array([list(bytes.fromhex(color)) for color in DISTINCT.split()], dtype=np.uint8)


def gray_levels() -> Colors:
    """32 grays from black to white, as in the original dataset's own animations."""
    return np.linspace(0, 255, TOKENS).round().astype(np.uint8)[:, None].repeat(3, axis=1)


def colored(tokens: NDArray[np.uint8], colors: Colors) -> NDArray[np.uint8]:
    """Tokens of any shape in their colors: uint8 (…, 3). Imported sets' tokens above 31 wrap around."""
    return colors[tokens % TOKENS]


def hexadecimal(colors: Colors) -> list[str]:
    """The colors in CSS notation, like #0f0f1e."""
    return [f"#{color.tobytes().hex()}" for color in colors]


def _apart(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """The colors (n, 3) after pairs closer than ``APART`` have pushed each other away; the first stays."""
    # Equal colors need a direction to be pushed in.
    lab = lab + 1e-4 * np.sin(np.outer(np.arange(len(lab)), [1, 2, 3]))
    for _ in range(ROUNDS):
        gaps = lab[:, None] - lab
        distances = np.linalg.norm(gaps, axis=2).clip(1e-9) + np.eye(len(lab))
        pushes = 0.3 * (APART - distances).clip(0) / distances
        lab = np.concatenate([lab[:1], lab[1:] + (pushes[..., None] * gaps).sum(axis=1)[1:]])
        # Clip to colors a screen can show.
        lab = np.cbrt(_linear(lab).clip(0, 1) @ CONES.T) @ LAB.T
    return lab


def _linear(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    return (lab @ np.linalg.inv(LAB).T) ** 3 @ np.linalg.inv(CONES).T
