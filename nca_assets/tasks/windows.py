"""Training windows of the baselines: every rollout of the split once an epoch, each epoch from another start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nca_assets.errors import NcaError
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.streams import Stream
from nca_assets.tasks.long_horizon import CONTEXT, frames_of

BATCH = 8

EPOCHS, MAX_WINDOWS = 16, 160_000
"""Epochs, and fewer when these would be more windows than ``MAX_WINDOWS``; one at least."""

Window = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Contexts (batch, 4, height, width) and targets (batch, horizons, height, width)."""


@dataclass(frozen=True)
class Windows:
    """The windows of ``source`` that a baseline learns from, in the order of ``seed``."""

    source: RolloutSource
    horizons: tuple[int, ...]
    seed: int = 0

    def __len__(self) -> int:
        """The number of batches."""
        return sum(len(self._epoch(epoch)) for epoch in range(self.epochs))

    def __iter__(self) -> Iterator[Window]:
        """All batches. Raises ``NcaError`` at the end unless each rollout of the source was in one of them."""
        seen: set[int] = set()
        for epoch in range(self.epochs):
            for batch in self._epoch(epoch):
                seen.update(batch.rollouts.tolist())
                tokens = batch.tokens[:, self._frames].cpu().numpy()
                yield tokens[:, : len(CONTEXT)], tokens[:, len(CONTEXT) :]
        if len(seen) != len(self.source):
            raise NcaError(f"only {len(seen)} of {len(self.source)} training rollouts were read: report this as a bug")

    @property
    def epochs(self) -> int:
        """The number of windows from each rollout."""
        return min(max(MAX_WINDOWS // len(self.source), 1), EPOCHS)

    def _epoch(self, epoch: int) -> Stream:
        length = max(self._frames) + 1
        latest = int(self.source.places[:, 3].min()) - length
        start = int(np.random.default_rng((self.seed, epoch)).integers(latest + 1))
        return self.source.clips(length, BATCH, every=1, starts=(start,), seed=self.seed).at(epoch)

    @cached_property
    def _frames(self) -> list[int]:
        return frames_of(self.horizons)
