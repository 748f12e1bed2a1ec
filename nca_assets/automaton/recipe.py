"""The recipe: every parameter of a rollout's rule, drawn by integer arithmetic from (seed, index).

``docs/SPEC.md`` says the same in words; a change to any draw here is a new ``versions.RECIPE_VERSION``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.lattice import CHANNELS, FAN_IN, PRODUCT_ONE, STATE_ONE
from nca_assets.automaton.philox import draw_words

T = TypeVar("T")

SHAPE_BLOCK = 32
"""Consecutive rollouts that share a grid shape, so that a batch has one."""

SMALLEST_SIDE, LARGEST_SIDE = 8, 48

SHAPE_STEPS = (49471, 37345)
"""2**16 over g and over g², for g³ = g + 1 (Roberts' R2 sequence): points that fill a square evenly, one by one."""

# Philox counters are (stream, step, cell, block).
SHAPE_STREAM, SCALAR_STREAM, WEIGHT_STREAM, STATE_STREAM, NOISE_STREAM = range(5)

LARGEST_NOISE = 255

SINGLE_TAP_FACTOR = 3
"""Makes up in part for the eight taps that a single-tap regime leaves out."""


@dataclass(frozen=True)
class Regime:
    """A family of rules: what a recipe's scalars are drawn from, and how many of 32 rollouts are of it.

    In a ``single_tap`` regime each convolution looks at one of its nine neighbors alone, so patterns are carried along.
    """

    name: str
    share: int
    gains_in: tuple[int, int]
    gains_out: tuple[int, int]
    residual_shifts: tuple[int, ...]
    leaks: tuple[int, ...]
    noise_shifts: tuple[int, ...]
    single_tap: bool = False


REGIMES = (
    Regime("rebound", 8, (24, 44), (8, 44), (0,), (80, 96), (13, 14, 15, 16)),
    Regime("flowing", 3, (24, 44), (16, 44), (3, 4), (0, 16), (11, 12)),
    Regime("slow", 14, (24, 44), (8, 44), (5, 6, 7), (0, 16, 32, 48, 64), (14, 15, 16)),
    Regime("transport", 4, (12, 36), (12, 36), (0,), (72, 80), (13, 14, 15, 16), single_tap=True),
    Regime("pulse", 3, (6, 24), (6, 24), (0,), (112, 128), (13, 14, 15, 16), single_tap=True),
)
"""``docs/CALIBRATION.md`` says why these."""


@dataclass(frozen=True)
class Scalars:
    """What a rollout's recipe says in single numbers, all integers; ``docs/SPEC.md`` gives the formulas.

    Weights of the first and second convolution are uniform in ±``gain_in`` and ±``gain_out`` (units of 1/64), the
    residual scale is 2**-``residual_shift``, the leak is ``leak``/64, and the noise is an odd integer in [-255, 255]
    times 2**-``noise_shift``. ``tap_in`` and ``tap_out``, 0 to 8 row by row, are the only taps of the convolutions in a
    single-tap regime, and None in the others.
    """

    seed: int
    index: int
    height: int
    width: int
    regime: str
    gain_in: int
    gain_out: int
    residual_shift: int
    leak: int
    noise_shift: int
    tap_in: int | None
    tap_out: int | None


@dataclass(frozen=True)
class Rule:
    """One rollout's frozen random rule: its scalars and its weights.

    ``weights_in`` and ``weights_out`` are int16 (16 outputs, 16 inputs, 3 rows, 3 columns), ``bias_in`` and
    ``bias_out`` int16 (16,), all in units of 1/64.
    """

    scalars: Scalars
    weights_in: NDArray[np.int16]
    bias_in: NDArray[np.int16]
    weights_out: NDArray[np.int16]
    bias_out: NDArray[np.int16]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.scalars.height, self.scalars.width

    def largest_sum(self) -> int:
        """A bound on the magnitude of any partial sum of a step, in units of that sum's finest step.

        float32 arithmetic is exact while this stays at or below 2**24 (``lattice.EXACT_LIMIT``).
        """
        hidden = _largest_convolution(self.weights_in, self.bias_in)
        update = _largest_convolution(self.weights_out, self.bias_out) + self.scalars.leak * STATE_ONE
        fine = 1 << self.scalars.residual_shift
        return max(
            hidden, PRODUCT_ONE * fine + update + LARGEST_NOISE * (PRODUCT_ONE * fine >> self.scalars.noise_shift)
        )


def _largest_convolution(weights: NDArray[np.int16], bias: NDArray[np.int16]) -> int:
    per_output = np.abs(weights.astype(np.int64)).reshape(CHANNELS, FAN_IN).sum(axis=1) + np.abs(bias.astype(np.int64))
    return int(per_output.max()) * STATE_ONE


def draw_rule(seed: int, index: int) -> Rule:
    """The rule of rollout ``index`` of the set whose seed is ``seed`` (both in [0, 2**32))."""
    scalars = draw_scalars(seed, index)
    return Rule(
        scalars=scalars,
        weights_in=_draw_kernel(seed, index, 0, scalars.gain_in, scalars.tap_in),
        bias_in=_draw_weights(seed, index, 1, CHANNELS, scalars.gain_in),
        weights_out=_draw_kernel(seed, index, 2, scalars.gain_out, scalars.tap_out),
        bias_out=_draw_weights(seed, index, 3, CHANNELS, scalars.gain_out),
    )


def draw_scalars(seed: int, index: int) -> Scalars:
    """The scalars of rollout ``index`` of the set whose seed is ``seed`` (both in [0, 2**32))."""
    height, width = draw_shape(seed, index)
    words, more = (draw_words((seed, index), SCALAR_STREAM, 0, 1, block)[0].tolist() for block in (0, 1))
    regime = _one_of(words[0], [regime for regime in REGIMES for _ in range(regime.share)])
    return Scalars(
        seed=seed,
        index=index,
        height=height,
        width=width,
        regime=regime.name,
        gain_in=_between(words[1], *regime.gains_in),
        gain_out=_between(words[2], *regime.gains_out),
        residual_shift=_one_of(words[3], regime.residual_shifts),
        leak=_one_of(more[0], regime.leaks),
        noise_shift=_one_of(more[1], regime.noise_shifts),
        tap_in=_between(more[2], 0, 8) if regime.single_tap else None,
        tap_out=_between(more[3], 0, 8) if regime.single_tap else None,
    )


def draw_initial_state(rule: Rule) -> NDArray[np.int16]:
    """The state at frame 0: int16 (height, width, 16), uniform in [-1024, 1024], in units of 1/1024."""
    scalars = rule.scalars
    cells = scalars.height * scalars.width
    words = [draw_words((scalars.seed, scalars.index), STATE_STREAM, 0, cells, block) for block in (0, 1)]
    uniform = np.concatenate([_halves(each) for each in words], axis=1)
    lattice = (uniform * (2 * STATE_ONE + 1) >> 16) - STATE_ONE
    return lattice.astype(np.int16).reshape(*rule.shape, CHANNELS)


def draw_shape(seed: int, index: int) -> tuple[int, int]:
    """(height, width) of rollout ``index``: 8 to 48 each, the same for each block of 32 consecutive rollouts.

    The geometric mean of the sides is 8 + 41·u^1.5 for uniform u, which gives the card's skew (many small grids, mean
    cells well above the median); the aspect ratio is up to 4:1 as far as the bounds allow. From block to block u and
    the aspect go on in even steps from where the set begins, so that a few dozen blocks are distributed as all are.
    """
    block = index // SHAPE_BLOCK
    first_u, first_v, *_ = draw_words((seed, 0), SHAPE_STREAM, 0, 1)[0].tolist()
    u, v = (first_u + SHAPE_STEPS[0] * block) & 0xFFFF, (first_v + SHAPE_STEPS[1] * block) & 0xFFFF
    flip = int(draw_words((seed, block), SHAPE_STREAM, 1, 1)[0, 0]) & 1
    side = SMALLEST_SIDE + (isqrt(u**3) * 41 >> 24)
    widest = min(32, 32 * LARGEST_SIDE // side - 32, 32 * side // SMALLEST_SIDE - 32)
    stretch = 32 + (v * (widest + 1) >> 16)
    long, short = (side * stretch + 16) // 32, (32 * side + stretch // 2) // stretch
    return (long, short) if flip else (short, long)


def _draw_kernel(seed: int, index: int, part: int, gain: int, tap: int | None) -> NDArray[np.int16]:
    """Weights of a convolution (16, 16, 3, 3); with ``tap``, those of the others are 0 and its own are tripled."""
    kernel = _draw_weights(seed, index, part, FAN_IN * CHANNELS, gain).reshape(CHANNELS, CHANNELS, 9)
    if tap is not None:
        kernel *= np.where(np.arange(9) == tap, SINGLE_TAP_FACTOR, 0).astype(np.int16)
    return kernel.reshape(CHANNELS, CHANNELS, 3, 3)


def _draw_weights(seed: int, index: int, part: int, count: int, gain: int) -> NDArray[np.int16]:
    """``count`` integers, uniform in [-gain, gain], int16, from eight 16-bit halves a counter."""
    uniform = _halves(draw_words((seed, index), WEIGHT_STREAM, part, (count + 7) // 8)).ravel()[:count]
    return ((uniform * (2 * gain + 1) >> 16) - gain).astype(np.int16)


def _halves(words: NDArray[np.uint32]) -> NDArray[np.int32]:
    """(cells, 4) words as (cells, 8) 16-bit halves, low half first, in [0, 2**16)."""
    return words.astype("<u4", copy=False).view("<u2").astype(np.int32)


def _between(word: int, low: int, high: int) -> int:
    return low + (word * (high - low + 1) >> 32)


def _one_of(word: int, choices: Sequence[T]) -> T:
    return choices[word * len(choices) >> 32]
