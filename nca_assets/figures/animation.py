"""A rollout as an animated GIF."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nca_assets.figures.palette import flat, gray_levels, token_colours


def animated_gif(tokens: NDArray[np.uint8], scale: int = 8, fps: int = 25, gray: bool = False) -> bytes:
    """A looping GIF of a rollout (frames, height, width), ``scale`` pixels a cell, one colour a token."""
    palette = flat(gray_levels() if gray else token_colours())
    images = []
    for frame in tokens:
        image = Image.fromarray(frame.repeat(scale, axis=0).repeat(scale, axis=1))
        image.putpalette(palette)
        images.append(image)
    buffer = io.BytesIO()
    images[0].save(
        buffer, "GIF", save_all=True, append_images=images[1:], duration=round(1000 / fps), loop=0, optimize=False
    )
    return buffer.getvalue()
