"""The card's sparse long-horizon task, frozen: predict frame 112 from frames 0, 16, 32 and 48.

The examples are the test rollouts of ``by_rollout``, one each; ``evaluate`` scores a model.
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
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId
from nca_assets.loading.source import RolloutSource
from nca_assets.tasks.scores import IDENTITY, SCORES, Scores, score
from nca_assets.warehouse.sql_text import OWN_SETS, Sampling, literal

EXAMPLES_AT_ONCE = 16

Probabilities = NDArray[np.float32]
Predict = Callable[[NDArray[np.uint8]], Any]
"""Maps contexts, uint8 (batch, 4, height, width), to token probabilities in each cell of the target: a float array or
tensor (batch, 32, height, width)."""


@dataclass(frozen=True)
class Examples:
    """Examples of one grid shape: context uint8 (batch, 4, height, width), target uint8 (batch, height, width)."""

    context: NDArray[np.uint8]
    target: NDArray[np.uint8]
    rollouts: list[RolloutId]
    labels: list[dict[str, Any]]


def split(name: str, data: DataFolder, *, most: int | None = None) -> RolloutSource:
    """Native rollouts of split ``name`` of ``by_rollout``: train, validation or test.

    Up to ``most``, in proportion by behavior. Raises ``NcaError`` if there are none.
    """
    condition = f"by_rollout = {literal(name)} AND {OWN_SETS}"
    return RolloutSource.where(condition, data, columns=IDENTITY, sampling=Sampling(total=most))


def examples(source: RolloutSource) -> Iterator[Examples]:
    """The example of each rollout of ``source``, in order."""
    ids, rows = source.ids, source.table.select(IDENTITY).to_dicts()
    for batch in source.long_horizon(EXAMPLES_AT_ONCE, starts=(0,), shuffle=False):
        frames, positions = batch.tokens.cpu().numpy(), batch.rollouts.tolist()
        yield Examples(
            frames[:, :4], frames[:, 4], [ids[position] for position in positions], [rows[p] for p in positions]
        )


def evaluate(predict: Predict, source: RolloutSource) -> Scores:
    """The scores of a model on the long-horizon task, over the rollouts of ``source``.

    ``predict`` takes contexts, uint8 (batch, 4, height, width), and returns the probability of each token in each cell
    of frame 112: an array or a tensor (batch, 32, height, width). ``docs/TRAINING.md`` defines the scores. Raises
    ``NcaError`` if it does not return probabilities.

    >>> uniform = lambda context: torch.full((len(context), 32, *context.shape[2:]), 1 / 32)
    >>> nca.evaluate(uniform, data.rollouts("set_name = 'set1'")).summary()
    """
    return Scores(evaluate_examples(lambda given: predict(given.context), source))


def evaluate_examples(predict: Callable[[Examples], Any], source: RolloutSource) -> pl.DataFrame:
    """A row of scores per rollout, for a model that may see the rollouts' ids; only the oracle does."""
    rows: list[dict[str, Any]] = []
    for given in examples(source):
        probabilities = checked(predict(given), given.target.shape)
        for i, (rollout, labels) in enumerate(zip(given.rollouts, given.labels, strict=True)):
            scores = score(probabilities[i], given.context[i], given.target[i])
            rows.append({"rollout_id": str(rollout)} | {name: labels[name] for name in IDENTITY} | scores)
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(SCORES, pl.Float64))


def checked(predicted: Any, target_shape: tuple[int, ...]) -> Probabilities:
    """``predicted`` as float32 (batch, 32, height, width). Raises ``NcaError`` unless they are probabilities."""
    array = predicted.detach().cpu().numpy() if isinstance(predicted, Tensor) else np.asarray(predicted)
    batch, height, width = target_shape
    wanted = (batch, TOKENS, height, width)
    if array.shape != wanted or not np.issubdtype(array.dtype, np.floating):
        raise NcaError(f"predictions are {array.dtype} {array.shape}: return probabilities, floats {wanted}")
    if not np.isfinite(array).all() or array.min() < 0:
        raise NcaError("predictions are negative or not finite: return probabilities, for example softmax of logits")
    worst = float(np.abs(array.sum(axis=1, dtype=np.float64) - 1).max())
    if worst > 1e-3:
        raise NcaError(f"predictions of a cell add up to 1 ± {worst:.3g}: normalize over axis 1, the tokens")
    return array.astype(np.float32, copy=False)
