"""Rules with structure: few fields that groups of channels carry, seen through kernels.

Independent weights make noise: neighbors share nothing, and nothing prefers a wavelength, a direction or a rest. Here
groups of the 16 channels carry one *field* each, so that every rollout speaks in the same directions and tokens mean
the same, and a hidden unit sees a field through one of a few 3x3 kernels (the perception of growing NCA: Mordvintsev et
al., Distill 2020). A family draws a sketch of a dozen numbers; this module turns it into weights, in integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.lattice import CHANNELS

CENTER_TAP = 4


@dataclass(frozen=True)
class Kernel:
    """Nine taps, row by row; a gain through it is spread over them in proportion, by the sum of their magnitudes."""

    name: str
    taps: tuple[int, ...]

    def spread(self, gain: int) -> list[int]:
        """``gain`` over the taps, each rounded to the nearest integer, halves up."""
        total = sum(map(abs, self.taps))
        return [(2 * gain * tap + total) // (2 * total) for tap in self.taps]


CENTER = Kernel("center", (0, 0, 0, 0, 1, 0, 0, 0, 0))
CROSS = Kernel("cross", (0, 1, 0, 1, 0, 1, 0, 1, 0))
RING = Kernel("ring", (1, 1, 1, 1, 0, 1, 1, 1, 1))
BOX = Kernel("box", (1, 1, 1, 1, 1, 1, 1, 1, 1))
BLUR = Kernel("blur", (1, 2, 1, 2, 4, 2, 1, 2, 1))
RIGHTWARD = Kernel("rightward", (-1, 0, 1, -2, 0, 2, -1, 0, 1))
DOWNWARD = Kernel("downward", (-1, -2, -1, 0, 0, 0, 1, 2, 1))
LAPLACE = Kernel("laplace", (1, 2, 1, 2, -12, 2, 1, 2, 1))


class Sketch:
    """A rule under construction: ``fields[c]`` is the field that channel c carries.

    Gains, weights and biases are integers in units of 1/64.
    """

    def __init__(self, fields: tuple[int, ...]) -> None:
        self.fields = fields
        self.carriers = [[c for c, field in enumerate(fields) if field == f] for f in range(max(fields) + 1)]
        self.weights_in = np.zeros((CHANNELS, CHANNELS, 9), dtype=np.int64)
        self.bias_in = np.zeros(CHANNELS, dtype=np.int64)
        self.weights_out = np.zeros((CHANNELS, CHANNELS, 9), dtype=np.int64)
        self.bias_out = np.zeros(CHANNELS, dtype=np.int64)
        self.units = 0

    def unit(self, *reads: tuple[int, Kernel, int], bias: int = 0) -> int:
        """A new hidden unit, clamp(Σ gain · kernel(field) + bias); its number.

        A gain is divided among the channels of its field as evenly as integers can be.
        """
        unit = self.units
        self.units += 1
        for field, kernel, gain in reads:
            carriers = self.carriers[field]
            for tap, weight in enumerate(kernel.spread(gain)):
                for i, channel in enumerate(carriers):
                    self.weights_in[unit, channel, tap] += weight * (i + 1) // len(carriers) - weight * i // len(
                        carriers
                    )
        self.bias_in[unit] = bias
        return unit

    def write(self, field: int, unit: int, weight: int, tap: int = CENTER_TAP) -> None:
        """Add ``weight`` times the unit to the update of every channel of ``field``."""
        self.weights_out[self.carriers[field], unit, tap] += weight

    def bias(self, field: int, weight: int) -> None:
        """Add ``weight`` to the update of every channel of ``field``."""
        self.bias_out[self.carriers[field]] += weight

    def carry(self, dy: int, dx: int) -> None:
        """Let every update come from the neighbor at (-dy, -dx): the whole pattern moves by (dy, dx) each step."""
        grids = self.weights_out.reshape(CHANNELS, CHANNELS, 3, 3)
        self.weights_out = np.roll(grids, (-dy, -dx), axis=(2, 3)).reshape(CHANNELS, CHANNELS, 9)

    def weights(self) -> tuple[NDArray[np.int16], ...]:
        """weights_in (16, 16, 3, 3), bias_in (16,), weights_out and bias_out, int16, as ``Rule`` holds them."""
        return (
            self.weights_in.reshape(CHANNELS, CHANNELS, 3, 3).astype(np.int16),
            self.bias_in.astype(np.int16),
            self.weights_out.reshape(CHANNELS, CHANNELS, 3, 3).astype(np.int16),
            self.bias_out.astype(np.int16),
        )
