"""The card's sparse long-horizon task, frozen: frames 0, 16, 32 and 48 are given, frame 112 is to be predicted.

The examples are the rollouts that ``by_rollout`` holds out for testing, one each. A model enters by ``evaluate``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.errors import NcaError
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.streams import Stream, long_horizon
from nca_assets.naming import SETS, RolloutId
from nca_assets.settings import Settings
from nca_assets.tasks.scores import IDENTITY, SCORES, score
from nca_assets.warehouse.collections import Sampling
from nca_assets.warehouse.read import is_any_of, literal

EXAMPLES_AT_ONCE = 16

Probabilities = NDArray[np.float32]
Predict = Callable[[NDArray[np.uint8]], Any]
"""From contexts, uint8 (batch, 4, height, width), to the probability of each token in each cell of the target: a float
array or tensor (batch, 32, height, width)."""


@dataclass(frozen=True)
class Examples:
    """Examples on grids of one shape: context uint8 (batch, 4, height, width), target uint8 (batch, height, width)."""

    context: NDArray[np.uint8]
    target: NDArray[np.uint8]
    rollouts: list[RolloutId]
    labels: list[dict[str, Any]]


def split(name: str, settings: Settings | None = None, *, most: int | None = None) -> RolloutSource:
    """The rollouts of ours that ``by_rollout`` has in ``name``: train, validation or test.

    No more than ``most``, in proportion by behavior. Raises ``NcaError`` if there are none.
    """
    condition = f"by_rollout = {literal(name)} AND {is_any_of(SETS)}"
    return RolloutSource.where(condition, settings, columns=IDENTITY, sampling=Sampling(total=most))


def training(source: RolloutSource, **options: Any) -> Stream:
    """Windows to learn from, of any start: its batches' first four frames are context, the last is the target."""
    return long_horizon(source, **options)


def examples(source: RolloutSource) -> Iterator[Examples]:
    """The task's one example of each rollout of ``source``, in order."""
    ids, rows = source.ids, source.table.select(IDENTITY).to_dicts()
    for batch in long_horizon(source, starts=(0,), shuffle=False, batch_size=EXAMPLES_AT_ONCE):
        frames, positions = batch.tokens.cpu().numpy(), batch.rollouts.tolist()
        yield Examples(
            frames[:, :4], frames[:, 4], [ids[position] for position in positions], [rows[p] for p in positions]
        )


def evaluate(predict: Predict, source: RolloutSource | None = None) -> pl.DataFrame:
    """The scores of a model: a row for each rollout, with ``scores.SCORES`` and what the rollout is.

    ``source`` is by default the test split of the project's data; ``scores.summary`` averages the rows. Raises
    ``NcaError`` if what ``predict`` returns are no probabilities.
    """
    return evaluate_examples(lambda given: predict(given.context), source if source is not None else split("test"))


def evaluate_examples(predict: Callable[[Examples], Any], source: RolloutSource) -> pl.DataFrame:
    """The same for a model that may see which rollouts they are, as only the oracle does."""
    rows: list[dict[str, Any]] = []
    for given in examples(source):
        probabilities = checked(predict(given), given.target.shape)
        for i, (rollout, labels) in enumerate(zip(given.rollouts, given.labels, strict=True)):
            scores = score(probabilities[i], given.context[i], given.target[i])
            rows.append({"rollout_id": str(rollout)} | {name: labels[name] for name in IDENTITY} | scores)
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(SCORES, pl.Float64))


def checked(predicted: Any, target_shape: tuple[int, ...]) -> Probabilities:
    """``predicted`` as float32 (batch, 32, height, width). Raises ``NcaError`` if those are no probabilities."""
    array = predicted.detach().cpu().numpy() if isinstance(predicted, Tensor) else np.asarray(predicted)
    batch, height, width = target_shape
    wanted = (batch, TOKENS, height, width)
    if array.shape != wanted or not np.issubdtype(array.dtype, np.floating):
        raise NcaError(f"predictions are {array.dtype} {array.shape}: return probabilities, floats {wanted}")
    if not np.isfinite(array).all() or array.min() < 0:
        raise NcaError("predictions hold negative or infinite numbers: return probabilities, softmax of logits, say")
    worst = float(np.abs(array.sum(axis=1, dtype=np.float64) - 1).max())
    if worst > 1e-3:
        raise NcaError(f"predictions of a cell add up to 1 ± {worst:.3g}: normalize over axis 1, the tokens")
    return array.astype(np.float32, copy=False)
