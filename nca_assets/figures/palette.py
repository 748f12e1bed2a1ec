"""One colour per token, the same in every picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.lattice import TOKENS

COLOURS = (
    "0f0f1e f0d21e 87e1ff 1e4b87 2d4bb4 e1ffff 5ad24b 5ac3c3 1e0078 b4ffb4 693c4b 783c2d f0f087 0000ff 0000b4 4ba587 "
    "e18700 3ce1b4 0f003c 5aa5d2 4b1e4b ffff69 2d7887 1e5aff 001e00 5a87ff ffff00 96b469 0f78c3 2d872d 87a5ff c31e00"
)
"""Red, green, blue of each token in hexadecimal; token 0 is dark.

Chosen to be as far apart as 32 colours can be for everyone: any two differ by 17 or more in CIELAB, also as seen with
no red or no green receptors (simulated as by Machado, Oliveira and Fernandes, 2009).
"""


def token_colours() -> list[tuple[int, int, int]]:
    """32 RGB colours, each component 0 to 255."""
    return [(red, green, blue) for red, green, blue in map(bytes.fromhex, COLOURS.split())]


def gray_levels() -> list[tuple[int, int, int]]:
    """32 grays from black to white, as in the original dataset's own animations."""
    return [(level, level, level) for level in (round(255 * token / (TOKENS - 1)) for token in range(TOKENS))]


def flat(colours: list[tuple[int, int, int]]) -> list[int]:
    """The colours as Pillow's palettes want them: red, green, blue, red, …"""
    return [component for colour in colours for component in colour]


def coloured(tokens: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tokens of any shape in their colours: uint8 (…, 3). Tokens above 31, of imported sets, begin anew."""
    return np.array(token_colours(), dtype=np.uint8)[tokens % TOKENS]
