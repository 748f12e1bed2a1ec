"""Rules with structure: few fields, carried by groups of channels and seen through kernels.

Independent weights make noise: neighbors share nothing, and no wavelength, direction or rest is preferred. Here groups
of the 16 channels carry one *field* each, the same in many rules, so that tokens keep their meaning; and a hidden unit
sees a field through one of a few 3x3 kernels (the perception of growing NCA: Mordvintsev et al., Distill 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import CHANNELS

CENTER_TAP = 4


@dataclass(frozen=True)
class Kernel:
    """Nine taps, row by row; a gain through it is divided among them, by the sum of their magnitudes."""

    name: str
    taps: tuple[int, ...]

    def spread(self, gain: int) -> NDArray[np.int64]:
        """``gain`` over the taps, each rounded to the nearest integer, halves up: int64 (9,)."""
        total = sum(map(abs, self.taps))
        return (2 * gain * np.array(self.taps) + total) // (2 * total)


CENTER = Kernel("center", (0, 0, 0, 0, 1, 0, 0, 0, 0))
CROSS = Kernel("cross", (0, 1, 0, 1, 0, 1, 0, 1, 0))
RING = Kernel("ring", (1, 1, 1, 1, 0, 1, 1, 1, 1))
BOX = Kernel("box", (1, 1, 1, 1, 1, 1, 1, 1, 1))
BLUR = Kernel("blur", (1, 2, 1, 2, 4, 2, 1, 2, 1))
RIGHTWARD = Kernel("rightward", (-1, 0, 1, -2, 0, 2, -1, 0, 1))
DOWNWARD = Kernel("downward", (-1, -2, -1, 0, 0, 0, 1, 2, 1))
LAPLACE = Kernel("laplace", (1, 2, 1, 2, -12, 2, 1, 2, 1))

SMOOTH = (BLUR, BOX, RING, CROSS)
"""Kernels that weigh all directions alike."""


@lru_cache(maxsize=4096)
def _divided(kernel: Kernel, gain: int, channels: int) -> NDArray[np.int64]:
    """``gain`` divided over the taps, and each tap's share over ``channels``: (channels, 9)."""
    parts = np.arange(channels + 1)[:, None] * kernel.spread(gain) // channels
    return np.diff(parts, axis=0)


Read = tuple[int, Kernel, int]
"""A field, the kernel it is seen through, and the gain."""


class Sketch:
    """A rule under construction: channel c carries field ``fields[c]``.

    Gains, weights and biases are integers in units of 1/64.
    """

    def __init__(self, fields: tuple[int, ...]) -> None:
        self.fields = fields
        self.weights_in = np.zeros((CHANNELS, CHANNELS, 9), dtype=np.int64)
        self.bias_in = np.zeros(CHANNELS, dtype=np.int64)
        self.weights_out = np.zeros((CHANNELS, CHANNELS, 9), dtype=np.int64)
        self.bias_out = np.zeros(CHANNELS, dtype=np.int64)
        self._carriers = [np.flatnonzero(np.array(fields) == field) for field in range(max(fields) + 1)]
        self._units = 0

    def unit(self, *reads: Read, bias: int = 0) -> int:
        """Add a hidden unit, clamp(Σ gain · kernel(field) + bias); returns its number.

        Each tap's weight is divided among the field's channels as evenly as integers allow: the first n of N channels
        have ⌊weight · n / N⌋ of it.
        """
        unit = self._units
        self._units += 1
        for field, kernel, gain in reads:
            channels = self._carriers[field]
            self.weights_in[unit, channels] += _divided(kernel, gain, len(channels))
        self.bias_in[unit] = bias
        return unit

    def write(self, field: int, unit: int, weight: int) -> None:
        """Add ``weight`` times the unit to the update of every channel of ``field``."""
        self.weights_out[self._carriers[field], unit, CENTER_TAP] += weight

    def turn(self, a: int, units: Sequence[int], real: int, imaginary: int) -> None:
        """Add (real + i · imaginary) · z to fields ``a`` and ``a`` + 1, where ``units`` are the two parts of z."""
        self.write(a, units[0], real)
        self.write(a, units[1], -imaginary)
        self.write(a + 1, units[1], real)
        self.write(a + 1, units[0], imaginary)

    def bias(self, field: int, weight: int) -> None:
        """Add ``weight`` to the update of every channel of ``field``."""
        self.bias_out[self._carriers[field]] += weight

    def carry(self, dy: int, dx: int) -> None:
        """Give every cell the update of its neighbor at (-dy, -dx), so that everything moves by (dy, dx) each step."""
        taps = self.weights_out.reshape(CHANNELS, CHANNELS, 3, 3)
        self.weights_out = np.roll(taps, (-dy, -dx), axis=(2, 3)).reshape(CHANNELS, CHANNELS, 9)

    def weights(self) -> tuple[NDArray[np.int16], ...]:
        """weights_in (16, 16, 3, 3), bias_in (16,), weights_out and bias_out, int16, as ``Rule`` holds them."""
        return tuple(
            array.reshape(CHANNELS, CHANNELS, 3, 3).astype(np.int16) if array.ndim == 3 else array.astype(np.int16)
            for array in (self.weights_in, self.bias_in, self.weights_out, self.bias_out)
        )
