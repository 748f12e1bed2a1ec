"""Structure in space: domains, correlation length, and the dominant wave.

Everything follows from the integers C(s): the number of cells with the same token as the cell s = (dy, dx) away, over
some frames of the tail. Its mean over all s is chance, and its Fourier transform the structure factor of the tokens'
indicators (Wiener and Khinchin), as in Chaikin & Lubensky, Principles of Condensed Matter Physics (1995).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.labels.counting import Frames
from nca_assets.labels.matching import count_shifted

DOMINANT_SHARE = 0.1
"""Share of all fluctuations in space; a plane wave of twelve tokens has 0.18."""

DIRECTED = 2
"""A wave has a direction if it is this many times as strong as any other."""


@dataclass(frozen=True)
class Space:
    """``domains``: the share of equal neighbors above ``chance``, below 0 for checkers. ``correlation_length`` and
    ``wavelength`` in cells; ``wave_direction`` in degrees from right to down, [0, 180); null where there is none."""

    domains: float
    chance: float
    correlation_length: float | None
    wavelength: float | None
    wave_direction: float | None


def structure_in_space(frames: Frames) -> Space:
    """The structure in space of frames (frames, height, width)."""
    same = _equal_cells(frames)
    chance = int(same.sum()) / (frames.size * same.size)
    wavelength, direction = _dominant_wave(same)
    return Space(
        domains=int(same[0, 1] + same[1, 0]) / (2 * frames.size) - chance,
        chance=chance,
        correlation_length=None if chance == 1 else _correlation_length(same, frames.size, chance),
        wavelength=wavelength,
        wave_direction=direction,
    )


def _equal_cells(frames: Frames) -> NDArray[np.int64]:
    """C(s) for every shift s = (dy, dx), dy and dx from 0 on: int64 (height, width)."""
    _, height, width = frames.shape
    # A shift and its opposite compare the same cells.
    half = count_shifted(frames, frames, range(height // 2 + 1), range(width))
    opposite = half[:, -np.arange(width)]
    return np.concatenate([half, opposite[(height - 1) // 2 : 0 : -1]])


def _correlation_length(same: NDArray[np.int64], cells: int, chance: float) -> float | None:
    """The distance at which the correlation, averaged over shifts of r king's moves, first falls below 1/e,
    interpolated between whole r."""
    height, width = same.shape
    rows, columns = np.ogrid[:height, :width]
    moves = np.maximum(np.minimum(rows, height - rows), np.minimum(columns, width - columns))
    equal, shifts = (np.bincount(moves.ravel(), weights) for weights in (same.ravel(), None))
    means = (equal / (shifts * cells))[: min(height, width) // 2 + 1].tolist()
    correlation = [(mean - chance) / (1 - chance) for mean in means]
    for r, (above, below) in enumerate(itertools.pairwise(correlation)):
        if below < 1 / math.e:
            return round(r + (above - 1 / math.e) / (above - below), 9)
    return None


def _dominant_wave(same: NDArray[np.int64]) -> tuple[float | None, float | None]:
    """Wavelength and direction of the strongest wave, by its power in the structure factor."""
    height, width = same.shape
    power = np.fft.rfft2(same).real
    # A wave and its opposite are one. The transform has one of the two, but both in columns that oppose themselves.
    power[:, 1 : (width + 1) // 2] *= 2
    power[0, 0] = 0
    for column in {0, width // 2} if width % 2 == 0 else {0}:
        power[1 : (height + 1) // 2, column] *= 2
        power[height // 2 + 1 :, column] = 0
    total = power.sum()
    if total < 1:
        return None, None
    # Machines differ in the last bits, which rounding removes.
    shares = np.round(power / total, 9)
    share = float(shares.max())
    if share < DOMINANT_SHARE:
        return None, None
    strongest = np.argwhere(shares == share).tolist()
    waves = [((ky - height if ky > height // 2 else ky) / height, kx / width, ky, kx) for ky, kx in strongest]
    down, right, ky, kx = min(waves, key=lambda wave: math.hypot(*wave[:2]))  # the longest if tied
    # Sharp edges give a wave overtones in the same direction.
    overtones = np.arange(height * width)
    for sign in (1, -1):
        columns = sign * overtones * kx % width
        inside = columns < shares.shape[1]
        shares[(sign * overtones * ky % height)[inside], columns[inside]] = 0
    directed = share >= DIRECTED * shares.max()
    return (
        round(1 / math.hypot(down, right), 9),
        round(math.degrees(math.atan2(down, right)) % 180, 9) if directed else None,
    )
