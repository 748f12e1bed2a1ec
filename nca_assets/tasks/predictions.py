"""Predictions of the test split as a file: written from any model, checked, and scored like the baselines.

The file is Parquet, with a row per test rollout:

- ``rollout_id`` and ``digest``, that of the rollout's tokens,
- ``height`` and ``width``,
- ``surprisal``, a list of uint16 in the order token, row, column: -ln p in units of 1/4096 nat, at most 65,535.
  Rounding changes a probability by 0.012 % at most, and scores count no cell for more than 14 of these 16 nats.

Its metadata are those of ``METADATA``. Whoever has the same test rollouts can score it, wherever the dataset was made.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.loading.source import RolloutSource
from nca_assets.store.store import whole_file
from nca_assets.tasks.long_horizon import (
    TASK,
    Examples,
    Predict,
    checked,
    digests_of,
    examples,
    score_examples,
    test_split,
)
from nca_assets.tasks.scores import SCORES
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.current import current_digest

UNITS = 4096
"""Units of surprisal in a nat."""

TOLERANCE = 1e-3
"""How far the probabilities of a cell may be from adding up to 1."""

SCHEMA = {
    "rollout_id": pl.String,
    "digest": pl.String,
    "height": pl.Int16,
    "width": pl.Int16,
    "surprisal": pl.List(pl.UInt16),
}


def metadata_of(data: DataFolder) -> dict[str, str]:
    """What a file of predictions must say: its format, the task, and the versions of what the rollouts are made of."""
    return {
        "format": "nca predictions 1",
        "split": "by_rollout = test",
        "horizon": str(TASK),
        "recipe_version": str(RECIPE_VERSION),
        "vocabulary": current_digest(data) or "none",
    }


def write_predictions(predict: Predict, data: DataFolder, file: str | PathLike[str], *, model: str) -> None:
    """Write the predictions of a model for the test split of ``data``, which ``nca score`` checks and scores.

    ``predict`` is that of ``evaluate``; ``model`` names it. Files of the same name count as trainings of one model.
    Raises ``NcaError`` if the model does not return probabilities, or if the file can't be written.

    >>> uniform = lambda context: torch.full((len(context), 32, *context.shape[2:]), 1 / 32)
    >>> nca.write_predictions(uniform, data, "uniform.parquet", model="uniform")
    """
    if not model.strip():
        raise NcaError("the model has no name: give one")
    source = test_split(data)
    rows = [row for given in examples(source) for row in _rows(predict, given, source)]
    content = io.BytesIO()
    table = pl.DataFrame(rows, schema=SCHEMA)
    table.write_parquet(content, compression="zstd", metadata=metadata_of(data) | {"model": model})
    with whole_file(Path(fspath(file))) as out:
        out.write(content.getvalue())


def score_predictions(file: str | PathLike[str], data: DataFolder) -> pl.DataFrame:
    """A row of scores per rollout of the test split, like the baselines', with the column ``model``.

    Raises ``NcaError``, in one line, unless the file has exactly the test rollouts of ``data``, with the same tokens,
    and probabilities for each cell.
    """
    table, metadata = _read(file)
    for name, wanted in metadata_of(data).items():
        if metadata.get(name) != wanted:
            raise NcaError(f"{file}: {name} is {metadata.get(name, 'missing')!r}, this dataset has {wanted!r}: {AGAIN}")
    source = test_split(data)
    given = _matched(table, source, file)
    rows: list[dict[str, Any]] = []
    for batch in examples(source):
        predicted = [_probabilities(given[str(rollout)], batch.targets.shape[2:], file) for rollout in batch.rollouts]
        rows += score_examples(np.stack(predicted)[:, :, None], batch, (TASK,))
    scored = pl.DataFrame(rows, schema_overrides=dict.fromkeys(SCORES, pl.Float64))
    return scored.with_columns(model=pl.lit(metadata.get("model", Path(fspath(file)).stem)))


AGAIN = "write it again with nca.write_predictions"


def _rows(predict: Predict, given: Examples, source: RolloutSource) -> Iterator[dict[str, Any]]:
    digests = digests_of(source)
    target = given.targets[:, 0]
    for rollout, predicted in zip(given.rollouts, checked(predict(given.context), target.shape), strict=True):
        _, height, width = predicted.shape
        units = np.rint(-np.log(np.maximum(predicted, 1e-30)) * UNITS).clip(0, 65_535).astype(np.uint16)
        yield {
            "rollout_id": str(rollout),
            "digest": digests[str(rollout)],
            "height": height,
            "width": width,
            "surprisal": pl.Series(units.ravel()),
        }


def _read(file: str | PathLike[str]) -> tuple[pl.DataFrame, dict[str, str]]:
    try:
        content = Path(fspath(file)).read_bytes()
        metadata = pl.read_parquet_metadata(io.BytesIO(content))
        table = pl.read_parquet(io.BytesIO(content))
    except OSError as error:
        raise NcaError(f"{file} can't be read ({error.strerror or error})") from None
    except pl.exceptions.PolarsError as error:
        raise NcaError(f"{file} is not a Parquet file ({str(error).splitlines()[0]}): {AGAIN}") from None
    for name, kind in SCHEMA.items():
        if table.schema.get(name) != kind:
            raise NcaError(f"{file}: column {name} is {table.schema.get(name, 'missing')}, not {kind}: {AGAIN}")
    return table, metadata


def _matched(table: pl.DataFrame, source: RolloutSource, file: str | PathLike[str]) -> dict[str, dict[str, Any]]:
    """The file's rows by rollout, which are those of ``source``."""
    given = {row["rollout_id"]: row for row in table.iter_rows(named=True)}
    wanted = digests_of(source)
    if len(given) != len(table):
        raise NcaError(f"{file} has a rollout more than once: {AGAIN}")
    for names, what in (
        (wanted.keys() - given.keys(), "lacks test rollouts:"),
        (given.keys() - wanted.keys(), "has other rollouts than the test split's:"),
    ):
        if names:
            raise NcaError(f"{file} {what} {len(names)} ({len(wanted)} are needed), like {min(names)}: {AGAIN}")
    if changed := [name for name, digest in wanted.items() if given[name]["digest"] != digest]:
        raise NcaError(f"{file}: {len(changed)} rollouts have other tokens here, like {min(changed)}: {AGAIN}")
    return given


def _probabilities(row: dict[str, Any], grid: tuple[int, ...], file: str | PathLike[str]) -> NDArray[np.float64]:
    """The probabilities of a row: float64 (32, height, width)."""
    where = f"{file}: the surprisal of {row['rollout_id']}"
    if (row["height"], row["width"]) != grid or row["surprisal"] is None or None in row["surprisal"]:
        raise NcaError(f"{where} is not for its grid of {grid[0]} x {grid[1]}: {AGAIN}")
    if len(row["surprisal"]) != TOKENS * grid[0] * grid[1]:
        wanted = f"32 x {grid[0]} x {grid[1]}"
        raise NcaError(f"{where} has {len(row['surprisal']):,} values instead of {wanted}: {AGAIN}")
    probabilities = np.exp(-np.array(row["surprisal"], dtype=np.float64).reshape(TOKENS, *grid) / UNITS)
    worst = float(np.abs(probabilities.sum(axis=0) - 1).max())
    if worst > TOLERANCE:
        raise NcaError(f"{where} gives a cell probabilities that add up to 1 ± {worst:.3g}: normalize over the tokens")
    return probabilities / probabilities.sum(axis=0)
