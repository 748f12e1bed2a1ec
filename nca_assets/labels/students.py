"""Counting students: learners that predict a token from a context by how often it followed that context before.

A student's estimate after n cells of a context, k of them with the token, is (k + 1/32) / (n + 1): Dirichlet's with
Perks' prior (J. Inst. Actuar. 73, 1947). Its code lengths depend on the counts alone, not on the order of the cells.

Code lengths are integers, in units of 2**-16 bit, so they are the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.automaton.jit import compiled
from nca_assets.labels.counting import Frames
from nca_assets.labels.names import STUDENTS

SEVERAL = np.uint8(TOKENS)
"""What ``front`` sees around a cell if no token is the commonest."""

FRONTS = TOKENS + 1

BIT = 2**16
"""Units of a bit."""

SAMPLE = 2**15
"""Cells that a student sees at most, so that rollouts with small and large grids teach for the same time."""

MOST = 2**16
"""Counts stay below this, since a row of a frame has fewer cells."""


def logarithms(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The binary logarithms of positive integers, to the nearest unit."""
    return np.rint(np.log2(numbers) * BIT).astype(np.int64)


def _sums(costs: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(costs)])


# A token costs log2(n + 1) - log2(k + 1/32) bits, or 5 + log2(n + 1) - log2(32 k + 1); these are sums over n and k.
CONTEXT_COSTS = _sums(logarithms(np.arange(MOST) + 1) + 5 * BIT)
TOKEN_GAINS = _sums(logarithms(TOKENS * np.arange(MOST) + 1))

FIRST_BYTE, LAST_BYTE = np.uint8(0), np.uint8(255)


@dataclass(frozen=True)
class Lesson:
    """What a student paid for the sample, in units of 2**-16 bit: ``whole``, the prequential code length, in which each
    cell is predicted from those before it; and ``final``, in which it is predicted from all others, which is the loss
    at the end of the learning curve, times the cells."""

    whole: int
    final: int

    @property
    def noise(self) -> int:
        """What learning doesn't remove: ``final``, or less if few cells per context mislead a student to the end."""
        return min(self.final, self.whole)


def teach(tokens: Frames) -> tuple[dict[str, Lesson], int]:
    """The lesson of each student on tokens below 32 (frames, height, width), and the number of cells in the sample.

    The sample has as many whole frames as fit into 2**15 cells, evenly spaced from frame 2 on; of a larger frame, it
    has the upper rows.
    """
    frames, height, width = tokens.shape
    rows = min(height, max(1, SAMPLE // width))
    taken = min(frames - 2, max(1, SAMPLE // (rows * width)))
    front, square = _blank(TOKENS**2 * FRONTS), _blank(TOKENS * 256)
    _count(tokens, 2 + np.arange(taken) * (frames - 2) // taken, rows, *front, *square)
    history = _without_last(*front, FRONTS)
    past = _without_last(*history, TOKENS)
    counts = (_without_last(*past, TOKENS), past, history, front, square)
    lessons = {
        name: Lesson(*map(int, _code_lengths(*of_student, CONTEXT_COSTS, TOKEN_GAINS)))
        for name, of_student in zip(STUDENTS, counts, strict=True)
    }
    return lessons, taken * rows * width


def _blank(contexts: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Counts of contexts (contexts,), and of the tokens after each (contexts, 32)."""
    # NumPy's zeros take memory only where something is counted, unlike Numba's.
    return np.zeros(contexts, dtype=np.uint16), np.zeros((contexts, TOKENS), dtype=np.uint16)


@compiled
def _count(tokens, times, rows, fronts, after_fronts, squares, after_squares):
    """Count the contexts of ``front`` and of ``square``, and the tokens after them."""
    _, height, width = tokens.shape
    padded = np.empty((height + 2, width + 2), dtype=np.uint8)
    front, equal = np.empty(width, dtype=np.uint8), np.empty(width, dtype=np.uint8)
    for t in times:
        _wrap(padded, tokens[t - 1])
        for y in range(rows):
            _look_around(front, equal, padded[y], padded[y + 1], padded[y + 2])
            for x in range(width):
                last, token = np.uint32(padded[y + 1, x + 1]), tokens[t, y, x]
                context = (last * TOKENS + tokens[t - 2, y, x]) * FRONTS + front[x]
                fronts[context] += 1
                after_fronts[context, token] += 1
                context = last * 256 + equal[x]
                squares[context] += 1
                after_squares[context, token] += 1


@compiled
def _without_last(contexts, after, values):
    """The counts of a student that doesn't see the last part, with so many values, of these contexts."""
    shorter = np.zeros(contexts.size // values, dtype=np.uint16)
    after_shorter = np.zeros((shorter.size, after.shape[1]), dtype=np.uint16)
    for context in range(contexts.size):
        if contexts[context]:
            shorter[context // values] += contexts[context]
            after_shorter[context // values] += after[context]
    return shorter, after_shorter


@compiled
def _wrap(padded, frame):
    """Copy a frame with a border of its opposite edges."""
    padded[1:-1, 1:-1] = frame
    padded[0, 1:-1], padded[-1, 1:-1] = frame[-1], frame[0]
    padded[:, 0], padded[:, -1] = padded[:, -2], padded[:, 1]


@compiled
def _look_around(fronts, equal, above, row, below):
    """For each cell of a row, the commonest other token among the four next to it: its own if there is no other, and
    ``SEVERAL`` if some are as common; and a bit for each of its eight neighbors that has its own token."""
    for x in range(fronts.size):
        own = row[x + 1]
        a, b, c, d = above[x + 1], row[x], row[x + 2], below[x + 1]
        ab, ac, ad, bc, bd, cd = a == b, a == c, a == d, b == c, b == d, c == d
        # Without branches, which noise would make slow.
        of_a, of_b = (a != own) * (1 + ab + ac + ad), (b != own) * (1 + ab + bc + bd)
        of_c, of_d = (c != own) * (1 + ac + bc + cd), (d != own) * (1 + ad + bd + cd)
        most = max(max(of_a, of_b), max(of_c, of_d))
        lowest, highest = LAST_BYTE, FIRST_BYTE
        for near, count in ((a, of_a), (b, of_b), (c, of_c), (d, of_d)):
            lowest = min(lowest, near if count == most else LAST_BYTE)
            highest = max(highest, near if count == most else FIRST_BYTE)
        fronts[x] = own if most == 0 else lowest if lowest == highest else SEVERAL
    for x in range(equal.size):
        own, bits = row[x + 1], np.uint8(0)
        around = (above[x], above[x + 1], above[x + 2], row[x], row[x + 2], below[x], below[x + 1], below[x + 2])
        for near in around:
            bits = np.uint8(bits << 1) | np.uint8(near == own)
        equal[x] = bits


@compiled
def _code_lengths(contexts, after, costs, gains):
    """The code lengths of a lesson, from the counts of contexts and of the tokens after them."""
    whole = final = 0
    for context in range(contexts.size):
        cells = np.int64(contexts[context])
        if cells:
            whole += costs[cells]
            final += cells * (costs[cells] - costs[cells - 1])
            for count in after[context]:
                if count:
                    whole -= gains[count]
                    final -= np.int64(count) * (gains[count] - gains[count - 1])
    return whole, final
