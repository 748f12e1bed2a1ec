"""A rollout as a looping GIF, as an MP4 video, or as a PNG sheet of some of its frames."""

from __future__ import annotations

import io
from collections.abc import Callable

import av
import numpy as np
from numpy.typing import NDArray

from nca_assets.figures.images import enlarged, gif, joined, png
from nca_assets.figures.palette import Colors, colored

SHEET_FRAMES = 12


def animated_gif(tokens: NDArray[np.uint8], colors: Colors, scale: int = 8, fps: int = 25) -> bytes:
    """A looping GIF of a rollout (frames, height, width), ``scale`` pixels per cell, in the tokens' ``colors``."""
    return gif(colored(tokens, colors), scale, milliseconds=round(1000 / fps))


def video(tokens: NDArray[np.uint8], colors: Colors, scale: int = 8, fps: int = 25) -> bytes:
    """An MP4 (H.264) of a rollout, the same size as the GIF, except that odd sides are padded by one pixel."""
    _, height, width = tokens.shape
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "12"})
        stream.height, stream.width = (side * scale + side * scale % 2 for side in (height, width))
        stream.pix_fmt = "yuv420p"
        for frame in colored(tokens, colors):
            pixels = enlarged(frame, scale)
            bottom, right = stream.height - len(pixels), stream.width - pixels.shape[1]
            pixels = np.pad(pixels, ((0, bottom), (0, right), (0, 0)), mode="edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def frame_sheet(tokens: NDArray[np.uint8], colors: Colors, scale: int = 8, fps: int = 25) -> bytes:  # noqa: ARG001
    """A PNG of up to twelve evenly spaced frames, including the first and the last, in rows of four."""
    chosen = np.unique(np.linspace(0, len(tokens) - 1, SHEET_FRAMES).round().astype(int))
    rows = [list(colored(tokens[chosen[first : first + 4]], colors)) for first in range(0, len(chosen), 4)]
    return png(joined(rows), scale)


FORMATS: dict[str, Callable[..., bytes]] = {"gif": animated_gif, "mp4": video, "png": frame_sheet}
"""Writers by file name extension."""
