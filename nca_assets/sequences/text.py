"""Frames as text: a token for each cell, for each pair of cells, or two for each 2 x 2 patch; and back.

Every row ends with a delimiter, the last of a frame with another, and every sequence begins with a third, so that a
text alone is enough to restore its frames. The 32^4 = 1,048,576 different patches fit neither in uint16 nor in a small
model's embedding; a patch is therefore spelled with two tokens, its upper and its lower pair of cells. Nothing is lost,
and the vocabulary is fixed. In rows of odd width, the last cell is a token of its own.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.errors import NcaError

Unit = Literal["cell", "pair", "patch"]

Text = NDArray[np.uint16]


@dataclass(frozen=True)
class Alphabet:
    """The tokens of texts in units of a ``cell``, a ``pair`` or a ``patch``.

    Raises ``NcaError`` for another unit.
    """

    unit: Unit

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise NcaError(f"the unit of a text can't be {self.unit!r}: use one of {', '.join(get_args(Unit))}")

    @property
    def row(self) -> int:
        """Ends a row. Lower tokens stand for cells: 32; or 1,024 pairs, each 32 x left + right, and 32 single cells."""
        return TOKENS if self.unit == "cell" else TOKENS**2 + TOKENS

    @property
    def frame(self) -> int:
        """Ends the last row of a frame."""
        return self.row + 1

    @property
    def sequence(self) -> int:
        """Begins a sequence."""
        return self.row + 2

    @property
    def size(self) -> int:
        """The size of the vocabulary: 35 or 1,059."""
        return self.row + 3

    def frame_length(self, height: int, width: int) -> int:
        """The number of tokens of a frame, with its delimiters."""
        if self.unit == "cell":
            return height * (width + 1)
        across = -(-width // 2)
        return height * (across + 1) if self.unit == "pair" else height * across + -(-height // 2)

    def encode(self, frames: NDArray[np.uint8]) -> Text:
        """The text of frames, uint8 (frames, height, width), 0 to 31: uint16 (frames, tokens of a frame).

        Raises ``NcaError`` if a value is 32 or more, which occurs in imported sets only.
        """
        if frames.max(initial=0) >= TOKENS:
            raise NcaError(f"a rollout has token {frames.max()}, but texts have {TOKENS}: leave out its imported set")
        rows = frames.astype(np.uint16)
        if self.unit != "cell":
            rows = _paired(rows)
        per_line = 2 if self.unit == "patch" else 1
        lines = [rows[:, top : top + per_line] for top in range(0, rows.shape[1], per_line)]
        end = np.full((len(rows), 1), self.row, dtype=np.uint16)
        # Column by column, so that the two pairs of a patch are neighbors.
        text = np.concatenate([part for line in lines for part in (_flat(line.swapaxes(1, 2)), end)], axis=1)
        text[:, -1] = self.frame
        return text

    def decode(self, text: Text) -> list[NDArray[np.uint8]]:
        """The whole frames in a text, uint8 (height, width) each; what is cut off at its ends is left out.

        Raises ``NcaError`` if the text is not one of this alphabet.
        """
        sequences = np.split(text, np.flatnonzero(text == self.sequence))
        whole = [frame for part in sequences[1:] for frame in self._ended(part[1:])]
        return [self._frame(frame) for frame in [*self._ended(sequences[0])[1:], *whole]]

    def _ended(self, text: Text) -> list[Text]:
        """The pieces that a frame's end follows, with it."""
        return np.split(text, np.flatnonzero(text == self.frame) + 1)[:-1]

    def _frame(self, text: Text) -> NDArray[np.uint8]:
        ends = np.flatnonzero(text >= self.row)
        lines = [line[:-1] for line in np.split(text, ends + 1)[:-1]]
        try:
            if self.unit == "patch":
                lines = [row for line in lines for row in _two_rows(line, len(lines[0]))]
            return np.stack([line if self.unit == "cell" else _apart(line) for line in lines]).astype(np.uint8)
        except ValueError:
            raise NcaError(
                f"a frame of {len(text)} tokens has rows of different lengths: it is not a text of {self}"
            ) from None


def gzip_ratio(frames: NDArray[np.uint8]) -> float:
    """The complexity of frames, uint8 (frames, height, width), as in Lee et al. (2026, arXiv:2603.10055).

    Their 2 x 2 patches, each a number in int32, frame by frame and without delimiters, compressed by gzip at level 9:
    the compressed size over the original. In grids of odd sides, the last row or column is left out.
    """
    height, width = (side // 2 * 2 for side in frames.shape[1:])
    cells = frames[:, :height, :width].astype(np.int32)
    upper, lower = cells[:, 0::2], cells[:, 1::2]
    patches = upper[..., 0::2] + TOKENS * (upper[..., 1::2] + TOKENS * (lower[..., 0::2] + TOKENS * lower[..., 1::2]))
    original = patches.astype("<i4").tobytes()
    return len(gzip.compress(original, 9, mtime=0)) / len(original)


def _paired(rows: Text) -> Text:
    """Pairs of neighbors in each row, and the last cell of an odd row: (frames, height, pairs)."""
    even = rows.shape[2] // 2 * 2
    pairs = rows[:, :, 0:even:2] * TOKENS + rows[:, :, 1:even:2]
    return np.concatenate([pairs, rows[:, :, even:] + TOKENS**2], axis=2)


def _apart(pairs: Text) -> Text:
    """The cells of one row of pairs."""
    cells = np.stack(np.divmod(pairs, TOKENS), axis=1).ravel()
    return cells if pairs[-1] < TOKENS**2 else np.append(cells[:-2], pairs[-1] - TOKENS**2)


def _two_rows(line: Text, longest: int) -> list[Text]:
    """The rows of pairs in a line of patches; the last line of a grid of odd height has one row only."""
    return [line] if len(line) < longest else [line[0::2], line[1::2]]


def _flat(lines: Text) -> Text:
    return lines.reshape(len(lines), -1)
