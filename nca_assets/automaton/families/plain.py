"""The card's plain rules: every weight drawn independently; rough, or smooth where each pair of channels has one kernel."""

from __future__ import annotations

import numpy as np

from nca_assets.automaton.draws import WEIGHT_STREAM, Draws
from nca_assets.automaton.families.family import Drawn
from nca_assets.automaton.families.starts import anywhere
from nca_assets.automaton.lattice import CHANNELS
from nca_assets.automaton.philox import draw_words
from nca_assets.automaton.sketch import BLUR, BOX, CENTER, CROSS, RING, Sketch

KERNELS = (CENTER, CROSS, RING, BOX, BLUR)


def draw_plain(draws: Draws, height: int, width: int) -> Drawn:
    """Sixteen fields, one a channel."""
    sketch = Sketch(tuple(range(CHANNELS)))
    gain_in, gain_out = draws.between(24, 44), draws.between(16, 44)
    smooth = draws.chance(8)
    for part, weights, gain in ((0, sketch.weights_in, gain_in), (2, sketch.weights_out, gain_out)):
        uniform = _uniform(draws.key, part, 9 * CHANNELS * CHANNELS).reshape(CHANNELS, CHANNELS, 9)
        if smooth:
            chosen = uniform[:, :, 1] * len(KERNELS) >> 16
            table = np.array([[kernel.spread(g) for g in range(-16 * gain, 16 * gain + 1)] for kernel in KERNELS])
            weights[:] = table[chosen, uniform[:, :, 0] * (32 * gain + 1) >> 16]
        else:
            weights[:] = (uniform * (2 * gain + 1) >> 16) - gain
    if not smooth:
        sketch.bias_in[:] = (_uniform(draws.key, 1, CHANNELS) * (2 * gain_in + 1) >> 16) - gain_in
        sketch.bias_out[:] = (_uniform(draws.key, 3, CHANNELS) * (2 * gain_out + 1) >> 16) - gain_out
    shift, leak = draws.between(1, 3) if smooth else draws.between(2, 4), draws.one_of((0, 16))
    return Drawn(sketch, anywhere(draws, height, width), shift, draws.between(11, 13), leak)


def _uniform(key: tuple[int, int], part: int, count: int):
    words = draw_words(key, WEIGHT_STREAM, part, (count + 7) // 8)
    return words.astype("<u4", copy=False).view("<u2").astype(np.int64).ravel()[:count]
