"""The kinds of streams that every source has."""

from __future__ import annotations

from nca_assets.loading.readers import Source
from nca_assets.loading.streams import LONG_HORIZON, ROLLOUTS_OPEN, Stream


class Kinds:
    """A source's streams. They raise ``NcaError`` if an option is out of range, or if there is no batch."""

    def transitions(
        self: Source,
        batch_size: int = 64,
        *,
        seed: int = 0,
        shuffle: bool = True,
        every: int = 1,
        starts: tuple[int, ...] | None = None,
        per_rollout: int | None = None,
        tokens: int | None = None,
        drop_last: bool = False,
        fit: tuple[int, int] | None = None,
        rank: int = 0,
        ranks: int = 1,
        rollouts_open: int = ROLLOUTS_OPEN,
        skip_damaged: bool = False,
    ) -> Stream:
        """Frame t and frame t + 1, for every t, in batches, as in the card's ``sample_usage.py``.

        ``Stream`` documents the options.

        >>> next(iter(data.rollouts().transitions(batch_size=8))).tokens.shape
        """
        return Stream(
            self,
            (0, 1),
            batch_size,
            every,
            starts,
            seed,
            shuffle,
            rank,
            ranks,
            skip_damaged,
            tokens,
            per_rollout,
            fit,
            drop_last,
            rollouts_open,
        )

    def long_horizon(
        self: Source,
        batch_size: int = 64,
        *,
        seed: int = 0,
        shuffle: bool = True,
        every: int = 1,
        starts: tuple[int, ...] | None = None,
        per_rollout: int | None = None,
        tokens: int | None = None,
        drop_last: bool = False,
        fit: tuple[int, int] | None = None,
        rank: int = 0,
        ranks: int = 1,
        rollouts_open: int = ROLLOUTS_OPEN,
        skip_damaged: bool = False,
    ) -> Stream:
        """Context frames t, t + 16, t + 32, t + 48 and target t + 112, for every t; the card uses t = 0.

        The options are those of ``transitions``.

        >>> next(iter(data.rollouts().long_horizon(batch_size=8, starts=(0,)))).tokens.shape
        """
        return Stream(
            self,
            LONG_HORIZON,
            batch_size,
            every,
            starts,
            seed,
            shuffle,
            rank,
            ranks,
            skip_damaged,
            tokens,
            per_rollout,
            fit,
            drop_last,
            rollouts_open,
        )

    def clips(
        self: Source,
        length: int,
        batch_size: int = 64,
        *,
        seed: int = 0,
        shuffle: bool = True,
        every: int | None = None,
        starts: tuple[int, ...] | None = None,
        per_rollout: int | None = None,
        tokens: int | None = None,
        drop_last: bool = False,
        fit: tuple[int, int] | None = None,
        rank: int = 0,
        ranks: int = 1,
        rollouts_open: int = ROLLOUTS_OPEN,
        skip_damaged: bool = False,
    ) -> Stream:
        """``length`` consecutive frames; unless ``every`` is given, clips do not overlap.

        The options are those of ``transitions``.

        >>> next(iter(data.rollouts().clips(16, batch_size=8))).tokens.shape
        """
        every = length if every is None else every
        return Stream(
            self,
            tuple(range(length)),
            batch_size,
            every,
            starts,
            seed,
            shuffle,
            rank,
            ranks,
            skip_damaged,
            tokens,
            per_rollout,
            fit,
            drop_last,
            rollouts_open,
        )
