"""A rollout as a looping GIF, as an MP4 video, or as a PNG sheet of some of its frames."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.figures.images import GRAYS, enlarged, png, saved_gif, written
from nca_assets.figures.palette import Colors, colored
from nca_assets.figures.sheet import Panel, sheet

SIDE = 512
"""Longer side of an animated grid in pixels, at most, unless a scale is given."""

SHEET_FRAMES, SHEET_SIDE = 12, 192
"""Frames of a sheet, and the longer side of each."""

LETTERS = 14
"""Height of a caption's letters in pixels."""

MARGIN = 6
"""White pixels around a caption."""


def animated_gif(
    tokens: NDArray[np.uint8], colors: Colors, title: str, scale: int | None = None, fps: int = 25
) -> bytes:
    """A looping GIF of a rollout (frames, height, width) in the tokens' ``colors``, with its title and frame numbers.

    ``scale`` is the number of pixels per cell; by default the longer side has up to ``SIDE`` pixels.
    """
    return saved_gif(_frames(tokens, colors, title, scale), milliseconds=round(1000 / fps))


def video(tokens: NDArray[np.uint8], colors: Colors, title: str, scale: int | None = None, fps: int = 25) -> bytes:
    """An MP4 (H.264) of a rollout, the same size as the GIF, except that odd sides are padded by one pixel."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "12"})
        stream.pix_fmt = "yuv420p"
        for number, image in enumerate(_frames(tokens, colors, title, scale)):
            pixels = np.asarray(image.convert("RGB"))
            height, width, _ = pixels.shape
            if number == 0:
                stream.height, stream.width = height + height % 2, width + width % 2
            pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def frame_sheet(
    tokens: NDArray[np.uint8],
    colors: Colors,
    title: str,
    scale: int | None = None,
    fps: int = 25,  # noqa: ARG001
) -> bytes:
    """A PNG of up to twelve evenly spaced frames, the first and the last among them, in rows of four, with numbers."""
    chosen = np.unique(np.linspace(0, len(tokens) - 1, SHEET_FRAMES).round().astype(int))
    panels = [Panel(colored(tokens[frame], colors), f"frame {frame}") for frame in chosen]
    rows = [panels[first : first + 4] for first in range(0, len(panels), 4)]
    return png(sheet(rows, scale or fitting(tokens, SHEET_SIDE), LETTERS, title), 1)


FORMATS: dict[str, Callable[..., bytes]] = {"gif": animated_gif, "mp4": video, "png": frame_sheet}
"""Writers by file name extension."""


def fitting(tokens: NDArray[np.uint8], side: int) -> int:
    """Pixels per cell so that the longer side of the grids has as much as possible of ``side`` pixels."""
    return max(side // max(tokens.shape[1:]), 1)


def _frames(tokens: NDArray[np.uint8], colors: Colors, title: str, scale: int | None) -> Iterator[Image.Image]:
    """Each frame as a palette image above its caption: the title on the left, the frame's number on the right."""
    scale = scale or fitting(tokens, SIDE)
    _, height, width = (side * scale for side in tokens.shape)
    left, last = _letters(title), _letters(f"frame {len(tokens) - 1}")
    canvas_width = max(width, left.shape[1] + last.shape[1] + 4 * MARGIN)
    canvas = np.full((height + left.shape[0] + 2 * MARGIN, canvas_width), _WHITE, dtype=np.uint8)
    canvas[height + MARGIN : -MARGIN, MARGIN : MARGIN + left.shape[1]] = left
    palette = [*colors.ravel().tolist(), *GRAYS.repeat(3).tolist()]
    for number, grid in enumerate(tokens):
        canvas[:height, :width] = enlarged(grid % TOKENS, scale)
        right = _letters(f"frame {number}")
        canvas[height + MARGIN : -MARGIN, -MARGIN - last.shape[1] : -MARGIN] = _WHITE
        canvas[height + MARGIN : -MARGIN, -MARGIN - right.shape[1] : -MARGIN] = right
        image = Image.fromarray(canvas.copy())
        image.putpalette(palette)
        yield image


_WHITE = TOKENS + len(GRAYS) - 1
"""The palette's last color, after those of the tokens and the other grays."""


def _letters(text: str) -> NDArray[np.uint8]:
    """Text as indices into the palette."""
    return (TOKENS + np.searchsorted(GRAYS, written(text, LETTERS))).astype(np.uint8)
