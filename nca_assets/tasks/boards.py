"""Boards: the models' mean scores over groups of test rollouts, with 95 % intervals.

Intervals are bootstrapped over rollouts and training seeds (Efron and Tibshirani 1993): both are drawn again with
replacement, the same rollouts for all models, so that differences between models are paired. Deviations are scaled by
sqrt(n / (n - 1)), without which a bootstrap over three seeds would be a fifth too narrow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nca_assets.labels.names import TIERS
from nca_assets.tasks.floor import FLOOR
from nca_assets.tasks.long_horizon import TASK
from nca_assets.tasks.scores import SCORES, with_size

BOARDS = ("behavior", "difficulty", "size")
"""Columns whose values have a board each; another label needs its name here, in ``IDENTITY`` and in the catalog."""

ALL = "all"

ASCENDING = (*TIERS, "small", "medium", "large")
"""Values that have an order; others are in that of the alphabet."""

RESAMPLES = 2000

MIN_ROLLOUTS = 5
"""Fewer have no intervals: drawn again, they would say little of others."""

Floats = NDArray[np.float64]


def boards(rows: pl.DataFrame) -> pl.DataFrame:
    """A row per board and model, from a row per model, seed, horizon and rollout.

    There is a board of all rollouts for each horizon and, for the task's, one for each value of ``BOARDS``. Models with
    the lowest cross-entropy come first.
    """
    rows = with_size(rows)
    ranked: list[dict[str, Any]] = []
    for (horizon,), group in rows.group_by("horizon", maintain_order=True):
        ranked += [{"board": ALL, "value": ALL, "horizon": horizon, **row} for row in _ranked(group)]
    for name in BOARDS:
        groups = rows.filter(pl.col(name).is_not_null(), horizon=TASK).partition_by(name, as_dict=True)
        for (value,), group in sorted(groups.items(), key=lambda item: _place(item[0][0])):
            ranked += [{"board": name, "value": value, "horizon": TASK, **row} for row in _ranked(group)]
    return pl.DataFrame(ranked, infer_schema_length=None)


def _place(value: str) -> tuple[int, str]:
    return ASCENDING.index(value) if value in ASCENDING else 0, value


def below_the_floor(ranked: pl.DataFrame) -> list[str]:
    """The models whose mean cross-entropy is below the lower end of the floor of their board, in words."""
    key = ["board", "value", "horizon"]
    floors = ranked.filter(model=FLOOR).select(*key, floor="low")
    below = (
        ranked.filter(pl.col("model") != FLOOR).join(floors, on=key).filter(pl.col("cross_entropy") < pl.col("floor"))
    )
    return [
        f"{row['model']} on {row['board']} {row['value']}, horizon {row['horizon']}: {row['cross_entropy']:.3f}, "
        f"but the floor is at least {row['floor']:.3f}"
        for row in below.iter_rows(named=True)
    ]


def as_texts(board: pl.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The columns and rows of one board, for a table of text."""
    columns = ["model", "cross-entropy", "behind the best", "accuracy", "skill"]
    return columns, [
        [
            row["model"],
            _with_interval(row["cross_entropy"], row["low"], row["high"]),
            _with_interval(row["behind"], row["behind_low"], row["behind_high"]),
            f"{row['accuracy']:.3f}",
            f"{row['skill']:.3f}",
        ]
        for row in board.iter_rows(named=True)
    ]


def curve_as_texts(ranked: pl.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The mean cross-entropy of each model by horizon, for a table of text; in the order of the task's board."""
    means = ranked.filter(board=ALL).pivot("horizon", index="model", values="cross_entropy")
    order = ranked.filter(board=ALL, horizon=TASK).select("model")
    table = order.join(means, on="model", maintain_order="left")
    return table.columns, [[name, *(f"{mean:.2f}" for mean in row)] for name, *row in table.rows()]


def _with_interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if low is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _ranked(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """The models of one board."""
    scores = {name: _matrix(group) for (name,), group in rows.group_by("model", maintain_order=True)}
    means = {name: _means(rows.filter(model=name)) for name in scores}
    intervals = _Intervals({name: matrix for name, matrix in scores.items() if name != FLOOR})
    for name in means:
        means[name] |= _floor(rows.filter(model=FLOOR)) if name == FLOOR else intervals.of(name)
    return sorted(means.values(), key=lambda row: row["cross_entropy"])


def _matrix(rows: pl.DataFrame) -> Floats:
    """The cross-entropies of one model: (seeds, rollouts)."""
    by_seed = rows.sort("seed", "rollout_id").partition_by("seed")
    return np.stack([one["cross_entropy"].to_numpy() for one in by_seed])


def _means(rows: pl.DataFrame) -> dict[str, Any]:
    one = rows.select(
        pl.col("model").first(),
        rollouts=pl.col("rollout_id").n_unique(),
        seeds=pl.col("seed").n_unique(),
        trained_on=pl.col("trained_on").first(),
    )
    return one.to_dicts()[0] | rows.select(pl.col(name).mean() for name in SCORES).to_dicts()[0]


def _floor(rows: pl.DataFrame) -> dict[str, float | None]:
    """The interval of the mean: the errors of rollouts are independent of each other."""
    value, low, high = (rows[name].to_numpy() for name in ("cross_entropy", "low", "high"))
    below, above = (math.sqrt(((value - end) ** 2).sum()) / len(value) for end in (low, high))
    ends = {"low": max(float(value.mean()) - below, 0.0), "high": float(value.mean()) + above}
    return ends | dict.fromkeys(("behind", "behind_low", "behind_high"))


class _Intervals:
    """Intervals of models' means, and of their differences from the best one, over the same resampled rollouts."""

    def __init__(self, scores: dict[str, Floats]) -> None:
        chance = np.random.default_rng(0)
        rollouts = next(iter(scores.values())).shape[1]
        self.enough = rollouts >= MIN_ROLLOUTS
        times = chance.multinomial(rollouts, [1 / rollouts] * rollouts, RESAMPLES) / rollouts
        self.resampled = {name: _resampled(matrix, times, chance) for name, matrix in scores.items()}
        self.means = {name: float(matrix.mean()) for name, matrix in scores.items()}
        self.best = min(self.means, key=self.means.__getitem__)

    def of(self, name: str) -> dict[str, float | None]:
        """``low`` and ``high`` of the mean; ``behind``, the difference from the best, and its interval."""
        best = name == self.best
        low, high = self._ends(self.resampled[name])
        behind_low, behind_high = (None, None) if best else self._ends(self.resampled[name] - self.resampled[self.best])
        return {
            "low": low,
            "high": high,
            "behind": None if best else self.means[name] - self.means[self.best],
            "behind_low": behind_low,
            "behind_high": behind_high,
        }

    def _ends(self, resampled: Floats) -> tuple[float | None, float | None]:
        if not self.enough:
            return None, None
        low, high = np.quantile(resampled, [0.025, 0.975]).tolist()
        return low, high


def _resampled(matrix: Floats, times: Floats, chance: np.random.Generator) -> Floats:
    """The mean of a model with other rollouts and other seeds: (RESAMPLES,)."""
    seeds, rollouts = matrix.shape
    mean = matrix.mean()
    found = mean + math.sqrt(rollouts / max(rollouts - 1, 1)) * (times @ matrix.mean(axis=0) - mean)
    if seeds > 1:
        drawn = chance.multinomial(seeds, [1 / seeds] * seeds, RESAMPLES) / seeds
        found += math.sqrt(seeds / (seeds - 1)) * (drawn @ matrix.mean(axis=1) - mean)
    return found
