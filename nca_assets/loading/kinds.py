"""The kinds of streams that every source has."""

from __future__ import annotations

from typing import TypedDict, Unpack

from nca_assets.loading.readers import Source
from nca_assets.loading.streams import LONG_HORIZON, Stream


class Options(TypedDict, total=False):
    """The options of a stream; ``Stream`` documents them."""

    seed: int
    shuffle: bool
    every: int
    starts: tuple[int, ...] | None
    per_rollout: int | None
    tokens: int | None
    drop_last: bool
    fit: tuple[int, int] | None
    rank: int
    ranks: int
    rollouts_open: int
    skip_damaged: bool


class Kinds:
    """A source's streams. They raise ``NcaError`` if an option is out of range, or if there is no batch."""

    def transitions(self: Source, batch_size: int = 64, **options: Unpack[Options]) -> Stream:
        """Frame t and frame t + 1, for every t, in batches, as in the card's ``sample_usage.py``.

        ``Stream`` documents the options: seed, shuffle, every, starts, per_rollout, tokens, drop_last, fit, rank,
        ranks, rollouts_open, skip_damaged.

        >>> next(iter(data.rollouts().transitions(batch_size=8))).tokens.shape
        """
        return Stream(self, (0, 1), batch_size, **options)

    def long_horizon(self: Source, batch_size: int = 64, **options: Unpack[Options]) -> Stream:
        """Context frames t, t + 16, t + 32, t + 48 and target t + 112, for every t; the card uses t = 0.

        The options are those of ``transitions``.

        >>> next(iter(data.rollouts().long_horizon(batch_size=8, starts=(0,)))).tokens.shape
        """
        return Stream(self, LONG_HORIZON, batch_size, **options)

    def clips(self: Source, length: int, batch_size: int = 64, **options: Unpack[Options]) -> Stream:
        """``length`` consecutive frames; unless ``every`` is given, clips do not overlap.

        The options are those of ``transitions``.

        >>> next(iter(data.rollouts().clips(16, batch_size=8))).tokens.shape
        """
        return Stream(self, tuple(range(length)), batch_size, **{"every": length, **options})
