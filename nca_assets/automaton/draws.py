"""A rollout's scalars: numbers that its family draws one by one from one stream of random words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.philox import draw_words

T = TypeVar("T")

# Philox counters are (stream, step, cell, block).
SHAPE_STREAM, SCALAR_STREAM, WEIGHT_STREAM, STATE_STREAM, NOISE_STREAM = range(5)

WORDS_AT_FIRST = 128


class Draws:
    """The scalars of rollout ``index`` of the set with ``seed``: each call takes the next word.

    Word n is word n mod 4 of the counter (SCALAR_STREAM, 0, ⌊n/4⌋, 0).
    """

    def __init__(self, seed: int, index: int) -> None:
        self.key = seed, index
        self._words: list[int] = []
        self._taken = 0

    def word(self) -> int:
        """The next word, in [0, 2**32)."""
        if self._taken == len(self._words):
            words = max(WORDS_AT_FIRST, 2 * self._taken)
            self._words = draw_words(self.key, SCALAR_STREAM, 0, words // 4).ravel().tolist()
        self._taken += 1
        return self._words[self._taken - 1]

    def between(self, low: int, high: int) -> int:
        """An integer in ``low`` … ``high``, inclusive."""
        return low + (self.word() * (high - low + 1) >> 32)

    def one_of(self, choices: Sequence[T]) -> T:
        """One of ``choices``, all equally likely."""
        return choices[self.between(0, len(choices) - 1)]

    def chance(self, of_64: int) -> bool:
        """True with probability ``of_64``/64."""
        return self.between(0, 63) < of_64

    def sign(self) -> int:
        """1 or -1."""
        return self.one_of((1, -1))


def halves(words: NDArray[np.uint32]) -> NDArray[Any]:
    """(n, 4) words as (n, 8) 16-bit halves, low half first: int32 in [0, 2**16)."""
    return words.astype("<u4", copy=False).view("<u2").astype(np.int32)
