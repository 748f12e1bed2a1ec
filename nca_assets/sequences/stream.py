"""Endless streams of token sequences of one length, each from consecutive frames of one rollout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count, islice

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton.philox import draw_words
from nca_assets.errors import NcaError
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.splits import require_split, split_of
from nca_assets.sequences.text import Alphabet, Text, Unit, gzip_ratio

SHARD_ORDER, ROLLOUT_ORDER, SPAN_ORDER, CELL_ORDER = range(4)
"""Random number streams."""

MEASURED_FRAMES = 10
"""The fewest frames that complexity is measured over: as by Lee et al., since gzip's header would inflate fewer."""

SHARDS_OPEN = 8
"""Shards whose rollouts are mixed: files are read almost in order, and neighbors in the stream seldom share a rule."""


@dataclass(frozen=True)
class Sequence:
    """A sequence: ``text``, uint16 (length,), of the frames from ``start`` on of the rollout at ``position`` in the
    source."""

    text: Text
    position: int
    start: int


@dataclass(frozen=True)
class Sequences:
    """The rollouts of ``source`` as texts of ``length`` tokens: an endless stream, in the same order everywhere.

    Each is a delimiter and then a span of consecutive frames of one rollout, in units of a ``cell``, a ``pair`` or a
    ``patch``, cut to the length. The spans of a rollout do not overlap; ``spans`` of them are drawn in an epoch, by
    default all, and only those whose complexity (``gzip_ratio``) is within the bounds of ``complexity``. ``split``
    restricts the rollouts to those that ``split_of`` assigns to it. With ``shuffled``, the texts are a control: in
    each, the tokens of cells are in random order, and only the delimiters stay in place. Rollouts of which no two
    frames fit in a text, or that are too short to fill one, are left out.

    Raises ``NcaError`` if an argument is out of range, or if no rollout fits.

    >>> sequences = nca.Sequences(data.rollouts("height * width < 200"), length=512)
    >>> next(iter(sequences)).shape
    """

    source: RolloutSource
    unit: Unit = "pair"
    length: int = 1024
    spans: int | None = None
    complexity: tuple[float, float] | None = None
    split: str | None = None
    shuffled: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.spans is not None and self.spans < 1:
            raise NcaError(f"{self.spans} spans of a rollout are too few: use 1 or more")
        if not 0 <= self.seed < 2**32:
            raise NcaError(f"seed {self.seed} is out of range: use 0 to {2**32 - 1}")
        if self.split is not None:
            require_split(self.split)
        if not len(self.positions):
            raise NcaError(
                f"no rollout{f' of split {self.split}' if self.split else ''} fits sequences of {self.length} tokens: "
                "choose smaller grids or another length, so that two frames fit in one and all frames fill one"
            )

    @cached_property
    def alphabet(self) -> Alphabet:
        """The meaning of the tokens."""
        return Alphabet(self.unit)

    @cached_property
    def positions(self) -> NDArray[np.int64]:
        """The positions in the source of the rollouts that are not left out."""
        frames, height, width = self.source.places[:, 3:].T
        shapes, which = np.unique(np.column_stack([height, width]), axis=0, return_inverse=True)
        per_frame = np.array([self.alphabet.frame_length(*shape) for shape in shapes.tolist()])[which.ravel()]
        fitting = (1 + 2 * per_frame <= self.length) & (1 + frames * per_frame >= self.length)
        if self.split is not None:
            fitting &= np.array([split_of(rollout) == self.split for rollout in self.source.ids])
        return np.flatnonzero(fitting)

    def __iter__(self) -> Iterator[Text]:
        """The texts, uint16 (length,), epoch after epoch."""
        for epoch in count():
            yield from (sequence.text for sequence in self.epoch(epoch))

    def epoch(self, epoch: int = 0) -> Iterator[Sequence]:
        """The sequences of one epoch. Raises ``NcaError`` if a rollout can't be read, or if there is no sequence."""
        return chain.from_iterable(self.by_rollout(epoch))

    def by_rollout(self, epoch: int = 0) -> Iterator[list[Sequence]]:
        """The sequences of one epoch, those of a rollout at a time; otherwise like ``epoch``."""
        order, found = self._order(epoch), False
        for position, tokens in zip(order.tolist(), self.source.read(order), strict=True):
            if isinstance(tokens, NcaError):
                raise tokens
            frames = np.asarray(tokens.cpu() if isinstance(tokens, Tensor) else tokens)
            sequences = self._of_rollout(frames, position, epoch)
            found |= len(sequences) > 0
            yield sequences
        if not found:
            raise NcaError(f"no span has a complexity within {self.complexity}: widen it, or choose other rollouts")

    def _order(self, epoch: int) -> NDArray[np.int64]:
        """The positions of an epoch: shards in random order, a few at a time with their rollouts mixed."""
        shards = self.source.places[self.positions][:, [0, 2]]
        _, shard = np.unique(shards, axis=0, return_inverse=True)
        rank = np.argsort(self._shuffled(int(shard.max()) + 1, SHARD_ORDER, epoch, 0))
        mixed = np.argsort(self._shuffled(len(shard), ROLLOUT_ORDER, epoch, 0))
        return self.positions[np.lexsort((mixed, rank[shard.ravel()] // SHARDS_OPEN))]

    def _of_rollout(self, frames: NDArray[np.uint8], position: int, epoch: int) -> list[Sequence]:
        per_frame = self.alphabet.frame_length(*frames.shape[1:])
        each = -(-(self.length - 1) // per_frame)
        order = self._shuffled(len(frames) // each, SPAN_ORDER, epoch, position) * each
        measured = max(each, MEASURED_FRAMES)
        chosen = (start for start in order.tolist() if self._is_complex(frames[start : start + measured]))
        starts = list(islice(chosen, self.spans))
        if not starts:
            return []
        spans = np.concatenate([frames[start : start + each] for start in starts])
        texts = np.empty((len(starts), self.length), dtype=np.uint16)
        texts[:, 0] = self.alphabet.sequence
        texts[:, 1:] = self.alphabet.encode(spans).reshape(len(starts), -1)[:, : self.length - 1]
        if self.shuffled:
            self._shuffle_cells(texts, starts, position, epoch)
        return [Sequence(text, position, start) for text, start in zip(texts, starts, strict=True)]

    def _is_complex(self, frames: NDArray[np.uint8]) -> bool:
        if self.complexity is None:
            return True
        least, most = self.complexity
        return least <= gzip_ratio(frames) <= most

    def _shuffle_cells(self, texts: NDArray[np.uint16], starts: list[int], position: int, epoch: int) -> None:
        """Put the cells of each text in random order; the delimiters of all are in the same places."""
        cells = np.flatnonzero(texts[0] < self.alphabet.row)
        order = [self._shuffled(len(cells), CELL_ORDER, epoch, position, start) for start in starts]
        texts[:, cells] = np.take_along_axis(texts[:, cells], np.stack(order), axis=1)

    def _shuffled(self, number: int, stream: int, epoch: int, step: int, block: int = 0) -> NDArray[np.int64]:
        """0 to number - 1 in random order, independent of NumPy's version."""
        words = draw_words((self.seed, epoch), stream, step, -(-number // 4), block)
        return np.argsort(words.ravel()[:number], kind="stable")
