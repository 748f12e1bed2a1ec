"""The card's sparse long-horizon task, frozen: predict frame 112 from frames 0, 16, 32 and 48.

The examples are the test rollouts of ``by_rollout``, one each; ``evaluate`` scores a model. The same context also asks
for nearer and farther frames, which gives the horizon curve: 1, 2, 4 … 256 frames after frame 48.
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
from nca_assets.loading.streams import LONG_HORIZON
from nca_assets.tasks.scores import IDENTITY, SCORES, Scores, score
from nca_assets.warehouse.sql_text import OWN_SETS, Sampling, literal

CONTEXT = LONG_HORIZON[:-1]
"""Frames of the context."""

TASK = LONG_HORIZON[-1] - CONTEXT[-1]
"""The task's horizon: frames from the last of the context to the target."""

HORIZONS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Horizons of the curve, the task's among them."""

MAX_EXAMPLES = 1000
"""Test rollouts to score, in proportion by behavior: enough to resolve half a percent of accuracy."""

EXAMPLES_AT_ONCE = 16

Probabilities = NDArray[np.float32]
Predict = Callable[[NDArray[np.uint8]], Any]
"""Maps contexts, uint8 (batch, 4, height, width), to token probabilities in each cell of the target: a float array or
tensor (batch, 32, height, width)."""

Model = Callable[[NDArray[np.uint8]], Any]
"""As ``Predict``, but for several horizons at once: (batch, 32, horizons, height, width)."""


@dataclass(frozen=True)
class Examples:
    """Examples of one grid shape: context uint8 (batch, 4, height, width), targets uint8 (batch, horizons, height,
    width)."""

    context: NDArray[np.uint8]
    targets: NDArray[np.uint8]
    rollouts: list[RolloutId]
    labels: list[dict[str, Any]]


def split(name: str, data: DataFolder, *, most: int | None = None) -> RolloutSource:
    """Native rollouts of split ``name`` of ``by_rollout``: train, validation or test.

    Up to ``most``, in proportion by behavior. Raises ``NcaError`` if there are none.
    """
    condition = f"by_rollout = {literal(name)} AND {OWN_SETS}"
    return RolloutSource.where(condition, data, columns=(*IDENTITY, "digest"), sampling=Sampling(total=most))


def test_split(data: DataFolder) -> RolloutSource:
    """The test rollouts that models are scored on. Raises ``NcaError`` if there are none."""
    return split("test", data, most=MAX_EXAMPLES)


def digests_of(source: RolloutSource) -> dict[str, str]:
    """The digest of each rollout's tokens, by its id."""
    return dict(zip(map(str, source.ids), source.table["digest"].to_list(), strict=True))


def horizons_of(source: RolloutSource) -> tuple[int, ...]:
    """Those of ``HORIZONS`` for which even the shortest rollout of ``source`` has frames."""
    shortest = int(source.places[:, 3].min())
    return tuple(horizon for horizon in HORIZONS if CONTEXT[-1] + horizon < shortest)


def frames_of(horizons: tuple[int, ...]) -> list[int]:
    """The frames of a window: those of the context, then the targets at ``horizons``."""
    return [*CONTEXT, *(CONTEXT[-1] + horizon for horizon in horizons)]


def examples(source: RolloutSource, horizons: tuple[int, ...] = (TASK,)) -> Iterator[Examples]:
    """The example of each rollout of ``source``, in order."""
    ids, rows = source.ids, source.table.select(IDENTITY).to_dicts()
    frames = frames_of(horizons)
    for batch in source.clips(max(frames) + 1, EXAMPLES_AT_ONCE, every=1, starts=(0,), shuffle=False):
        tokens, positions = batch.tokens[:, frames].cpu().numpy(), batch.rollouts.tolist()
        yield Examples(
            tokens[:, : len(CONTEXT)],
            tokens[:, len(CONTEXT) :],
            [ids[position] for position in positions],
            [rows[position] for position in positions],
        )


def evaluate(predict: Predict, source: RolloutSource, horizon: int = TASK) -> Scores:
    """The scores of a model on the long-horizon task, over the rollouts of ``source``.

    ``predict`` takes contexts, uint8 (batch, 4, height, width), and returns the probability of each token in each cell
    of frame 112, or of the frame ``horizon`` frames after frame 48: an array or a tensor (batch, 32, height, width).
    ``docs/TRAINING.md`` defines the scores. Raises ``NcaError`` if it does not return probabilities.

    >>> uniform = lambda context: torch.full((len(context), 32, *context.shape[2:]), 1 / 32)
    >>> nca.evaluate(uniform, data.rollouts("set_name = 'set1'")).summary()
    """

    def model(context: NDArray[np.uint8]) -> Probabilities:
        return checked(predict(context), (len(context), *context.shape[2:]))[:, :, None]

    return Scores(score_model(model, source, (horizon,)).drop("horizon"))


def score_model(model: Model, source: RolloutSource, horizons: tuple[int, ...]) -> pl.DataFrame:
    """A row of scores per rollout and horizon."""
    rows = [
        row for given in examples(source, horizons) for row in score_examples(model(given.context), given, horizons)
    ]
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(SCORES, pl.Float64))


def score_examples(predicted: Any, given: Examples, horizons: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """A row of scores for each of the examples and horizons; ``predicted`` is (batch, 32, horizons, height, width)."""
    probabilities = as_array(predicted)
    for i, (rollout, labels) in enumerate(zip(given.rollouts, given.labels, strict=True)):
        for at, horizon in enumerate(horizons):
            scores = score(probabilities[i, :, at], given.context[i], given.targets[i, at])
            identity = {name: labels[name] for name in IDENTITY}
            yield {"horizon": horizon, "rollout_id": str(rollout)} | identity | scores


def as_array(predicted: Any) -> NDArray[Any]:
    """An array of what a model returns."""
    return predicted.detach().cpu().float().numpy() if isinstance(predicted, Tensor) else np.asarray(predicted)


def checked(predicted: Any, target_shape: tuple[int, ...]) -> Probabilities:
    """``predicted`` as float32 (batch, 32, height, width). Raises ``NcaError`` unless they are probabilities."""
    array = as_array(predicted)
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
