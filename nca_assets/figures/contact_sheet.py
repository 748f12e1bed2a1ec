"""A small sheet of rollouts: one column a rollout, the chosen frames below each other; and the same, moving."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nca_assets.figures.images import gif, joined, png

SCALE = 3


def contact_sheet(rollouts: Sequence[NDArray[np.uint8]], frames: Sequence[int]) -> bytes:
    """A PNG with the ``frames`` of each of ``rollouts`` in color (frames, height, width, 3), three pixels a cell."""
    return png(joined([[pixels[frame] for pixels in rollouts] for frame in frames]), SCALE)


def moving_sheet(rollouts: Sequence[NDArray[np.uint8]], frames: Sequence[int]) -> bytes:
    """A GIF that shows ``frames`` of all of ``rollouts`` in color one after the other, ten a second."""
    return gif((joined([[pixels[frame] for pixels in rollouts]]) for frame in frames), SCALE, milliseconds=100)
