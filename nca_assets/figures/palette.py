"""One colour per token, the same in every picture."""

from __future__ import annotations

import colorsys

from nca_assets.automaton.lattice import TOKENS

HUES = 8


def token_colours() -> list[tuple[int, int, int]]:
    """32 RGB colours, each component 0 to 255: eight hues at four lightnesses each."""
    colours = []
    for token in range(TOKENS):
        step, hue = divmod(token, HUES)
        red, green, blue = colorsys.hls_to_rgb((hue + 0.25 * step) / HUES, 0.25 + 0.17 * step, 0.75)
        colours.append((round(255 * red), round(255 * green), round(255 * blue)))
    return colours


def gray_levels() -> list[tuple[int, int, int]]:
    """32 grays from black to white, as in the original dataset's own animations."""
    return [(level, level, level) for level in (round(255 * token / (TOKENS - 1)) for token in range(TOKENS))]


def flat(colours: list[tuple[int, int, int]]) -> list[int]:
    """The colours as Pillow's palettes want them: red, green, blue, red, …"""
    return [component for colour in colours for component in colour]
