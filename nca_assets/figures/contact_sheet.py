"""A small sheet of rollouts, one column each with the chosen frames stacked, and its animated version."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nca_assets.figures.images import gif, joined, png

SCALE = 3


def contact_sheet(rollouts: Sequence[NDArray[np.uint8]], frames: Sequence[int]) -> bytes:
    """A PNG with the ``frames`` of colored ``rollouts`` (frames, height, width, 3), three pixels per cell."""
    return png(joined([[pixels[frame] for pixels in rollouts] for frame in frames]), SCALE)


def moving_sheet(rollouts: Sequence[NDArray[np.uint8]], frames: Sequence[int]) -> bytes:
    """A GIF of the ``frames`` of colored ``rollouts`` side by side, ten frames per second."""
    return gif((joined([[pixels[frame] for pixels in rollouts]]) for frame in frames), SCALE, milliseconds=100)
