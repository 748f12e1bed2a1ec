"""Scores of a prediction, and their averages over rollouts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS

IDENTITY = ("set_name", "behavior", "difficulty", "height", "width")
SCORES = ("cross_entropy", "accuracy", "accuracy_changed", "accuracy_unchanged", "skill")

FLOOR = 1e-6
"""Added to each probability before renormalizing, so that no cell costs more than 14 nats."""

UNIGRAM_PRIOR = 0.5
"""Pseudo-count per token in the unigram that skill compares with."""


def score(
    probabilities: NDArray[np.float32], context: NDArray[np.uint8], target: NDArray[np.uint8]
) -> dict[str, float | None]:
    """The scores of a prediction (32, height, width) for ``target`` (height, width), given ``context`` (4, height,
    width).

    - cross_entropy: the mean of -ln p(target) over cells, in nats, 0 to 14.
    - accuracy: the share of cells whose most likely token is the target's; of n tied tokens, each counts as 1/n.
    - accuracy_changed, accuracy_unchanged: the same over cells that differ from frame 48, and those that don't; None
      if there are none.
    - skill: 1 - cross_entropy / that of the rollout's unigram (``unigram``); 0 is no better, 1 is perfect.
    """
    likeliest = probabilities == probabilities.max(axis=0)
    right = np.take_along_axis(likeliest, target[None].astype(np.int64), axis=0)[0] / likeliest.sum(axis=0)
    changed = target != context[-1]
    own = cross_entropy(probabilities, target)
    cells = np.broadcast_to(unigram(context)[:, None, None], probabilities.shape)
    return {
        "cross_entropy": own,
        "accuracy": float(right.mean()),
        "accuracy_changed": _mean_or_none(right[changed]),
        "accuracy_unchanged": _mean_or_none(right[~changed]),
        "skill": 1 - own / cross_entropy(cells, target),
    }


def cross_entropy(probabilities: NDArray[np.floating], target: NDArray[np.uint8]) -> float:
    """The mean of -ln p(target) over the cells of ``target`` (height, width), with the floor."""
    floored = (probabilities.astype(np.float64) + FLOOR) / (1 + TOKENS * FLOOR)
    return float(-np.log(np.take_along_axis(floored, target[None].astype(np.int64), axis=0)).mean())


def unigram(context: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Smoothed token frequencies of a context (4, height, width): float64 (32,), summing to 1."""
    return smoothed(np.bincount(context.ravel(), minlength=TOKENS))


def smoothed(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Smoothed token shares from counts (..., 32): positive, and summing to 1."""
    more = counts + UNIGRAM_PRIOR
    return more / more.sum(axis=-1, keepdims=True)


def summary(rows: pl.DataFrame, by: str | None = None) -> pl.DataFrame:
    """The mean of each score over rollouts, weighted equally regardless of size; nulls are left out.

    ``by`` is a column to group by, like ``behavior`` or ``size``.
    """
    groups = [by] if by else []
    means = [pl.len().alias("rollouts"), *(pl.col(name).mean() for name in SCORES)]
    rows = with_size(rows)
    return rows.group_by(groups).agg(means).sort(groups) if groups else rows.select(means)


def with_size(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with a column ``size``: ``small``, ``medium`` or ``large`` by the longer side, as in ``by_size``."""
    side = pl.max_horizontal("height", "width")
    size = pl.when(side <= 24).then(pl.lit("small")).when(side <= 32).then(pl.lit("medium")).otherwise(pl.lit("large"))
    return rows.with_columns(size=size)


@dataclass(frozen=True)
class Scores:
    """The scores of a model: ``rows`` has one row per rollout, with its id, set, class and grid."""

    rows: pl.DataFrame

    def summary(self, by: str | None = None) -> pl.DataFrame:
        """The mean of each score, optionally by ``behavior`` or ``size``.

        >>> uniform = lambda context: torch.full((len(context), 32, *context.shape[2:]), 1 / 32)
        >>> nca.evaluate(uniform, data.rollouts()).summary("behavior")
        """
        return summary(self.rows, by)


def _mean_or_none(right: NDArray[np.float64]) -> float | None:
    return float(right.mean()) if right.size else None
