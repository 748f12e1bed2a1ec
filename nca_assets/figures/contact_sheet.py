"""A small sheet of a shard's rollouts: one column a rollout, the chosen frames below each other."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nca_assets.automaton.lattice import TOKENS
from nca_assets.figures.palette import flat, token_colours

GAP = 2
SCALE = 3
BACKGROUND = TOKENS


def contact_sheet(rollouts: Sequence[NDArray[np.uint8]], frames: Sequence[int]) -> bytes:
    """A PNG with the ``frames`` of each of ``rollouts`` (frames, height, width), three pixels a cell."""
    column_widths = [tokens.shape[2] for tokens in rollouts]
    row_height = max(tokens.shape[1] for tokens in rollouts)
    size = (len(frames) * (row_height + GAP) - GAP, sum(column_widths) + GAP * (len(rollouts) - 1))
    sheet = np.full(size, BACKGROUND, dtype=np.uint8)
    left = 0
    for tokens in rollouts:
        _, height, width = tokens.shape
        for row, frame in enumerate(frames):
            top = row * (row_height + GAP)
            sheet[top : top + height, left : left + width] = tokens[frame]
        left += width + GAP
    image = Image.fromarray(sheet.repeat(SCALE, axis=0).repeat(SCALE, axis=1))
    image.putpalette([*flat(token_colours()), 255, 255, 255])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, bits=8)
    return buffer.getvalue()
