"""The card's plain rules: independent weights or, in one rule of eight, a smooth kernel for each pair of channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.draws import WEIGHT_STREAM, Draws, halves
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.starts import anywhere
from nca_assets.automaton.fixed_point import CHANNELS, FAN_IN
from nca_assets.automaton.philox import draw_words
from nca_assets.automaton.sketch import BLUR, BOX, CENTER, CROSS, RING, Sketch

KERNELS = (CENTER, CROSS, RING, BOX, BLUR)

SMOOTH_GAIN = 16
"""Gain through a kernel, relative to the gain of a single tap."""


def draw_plain(draws: Draws, height: int, width: int) -> Drawn:
    """Sixteen fields, one per channel."""
    sketch = Sketch(tuple(range(CHANNELS)))
    gain_in, gain_out, smooth = draws.between(24, 44), draws.between(16, 44), draws.chance(8)
    draw_kernels = _smooth_kernels if smooth else _rough_kernels
    sketch.weights_in = draw_kernels(draws.key, 0, gain_in)
    sketch.weights_out = draw_kernels(draws.key, 2, gain_out)
    if not smooth:
        sketch.bias_in = _weights(draws.key, 1, CHANNELS, gain_in)
        sketch.bias_out = _weights(draws.key, 3, CHANNELS, gain_out)
    shift, leak = draws.between(1, 3) if smooth else draws.between(2, 4), draws.one_of((0, 16))
    return Drawn(sketch, anywhere(draws, height, width), shift, draws.between(11, 13), leak)


def _rough_kernels(key: tuple[int, int], part: int, gain: int) -> NDArray[np.int64]:
    return _weights(key, part, FAN_IN * CHANNELS, gain).reshape(CHANNELS, CHANNELS, 9)


def _smooth_kernels(key: tuple[int, int], part: int, gain: int) -> NDArray[np.int64]:
    """For each output and input, a gain through one of the kernels."""
    gains = _weights(key, part, CHANNELS**2, SMOOTH_GAIN * gain)
    chosen = _uniform(key, part + 1, CHANNELS**2) * len(KERNELS) >> 16
    spread = [KERNELS[kernel].spread(gain) for kernel, gain in zip(chosen, gains.tolist(), strict=True)]
    return np.array(spread).reshape(CHANNELS, CHANNELS, 9)


def _weights(key: tuple[int, int], part: int, count: int, gain: int) -> NDArray[np.int64]:
    """``count`` integers, uniform in [-gain, gain], from eight 16-bit halves per counter."""
    return (_uniform(key, part, count) * (2 * gain + 1) >> 16) - gain


def _uniform(key: tuple[int, int], part: int, count: int) -> NDArray[Any]:
    return halves(draw_words(key, WEIGHT_STREAM, part, (count + 7) // 8)).ravel()[:count].astype(np.int64)
