"""Palette images of grids as PNG and GIF, with exact colors."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

GRAYS = np.array([0, 85, 170, 255], dtype=np.uint8)
"""The gray levels of text, few so that palettes and files stay small."""


def png(pixels: NDArray[np.uint8], scale: int) -> bytes:
    """A picture (height, width, 3) of at most 256 colors as PNG, ``scale`` pixels per cell."""
    buffer = io.BytesIO()
    indexed(pixels, scale).save(buffer, "PNG", optimize=True, bits=8)
    return buffer.getvalue()


def gif(frames: Iterable[NDArray[np.uint8]], scale: int, milliseconds: int) -> bytes:
    """A looping GIF of pictures like those of ``png``, each shown for ``milliseconds``."""
    return saved_gif((indexed(frame, scale) for frame in frames), milliseconds)


def saved_gif(images: Iterable[Image.Image], milliseconds: int) -> bytes:
    """A looping GIF of palette images, each shown for ``milliseconds``."""
    first, *others = images
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0, optimize=False)
    return buffer.getvalue()


def indexed(pixels: NDArray[np.uint8], scale: int) -> Image.Image:
    """A palette image of pixels (height, width, 3) of at most 256 colors, enlarged ``scale`` times."""
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    found, places = np.unique(packed, return_inverse=True)
    image = Image.fromarray(enlarged(places.reshape(packed.shape).astype(np.uint8), scale))
    image.putpalette([int(color) >> shift & 255 for color in found for shift in (16, 8, 0)])
    return image


def enlarged(cells: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """``scale`` by ``scale`` pixels for each cell of (height, width, …)."""
    return cells.repeat(scale, axis=0).repeat(scale, axis=1)


def written(text: str, size: int) -> NDArray[np.uint8]:
    """Lines of black text on white, with letters ``size`` pixels high: gray levels of ``GRAYS`` (height, width)."""
    font = ImageFont.load_default(size)
    box = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    height = (text.count("\n") + 1) * round(1.4 * size)
    image = Image.new("L", (max(round(box[2]), 1), height), 255)
    ImageDraw.Draw(image).multiline_text((0, 0), text, font=font, fill=0, spacing=round(0.2 * size))
    return GRAYS[np.asarray(image) // (256 // len(GRAYS))]
