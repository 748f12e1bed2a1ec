"""The leaderboard of the long-horizon task: all baselines trained and scored, and the boards of their scores.

Each baseline and training seed is scored on its own and kept in ``tasks/parts``, so an interrupted run goes on where it
was. A part is made again once its rollouts, their tokens, or the baselines have changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from nca_assets.automaton.device import choose_device
from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.labels.table import polars_schema, read_table, write_table
from nca_assets.loading.same_recipe import require_same_recipe
from nca_assets.loading.source import RolloutSource
from nca_assets.progress import Progress
from nca_assets.remedies import RESCORE
from nca_assets.settings import Resources
from nca_assets.shards.local import Shown
from nca_assets.store.location import Stored
from nca_assets.tasks.baselines import COUNTED, UNTRAINED, at_all_horizons
from nca_assets.tasks.boards import boards
from nca_assets.tasks.floor import FLOOR, FUTURES, score_floor
from nca_assets.tasks.long_horizon import TASK, Model, digests_of, horizons_of, score_model, split, test_split
from nca_assets.tasks.networks import ConvNet, Transformer, train
from nca_assets.tasks.predictions import score_predictions
from nca_assets.tasks.windows import Windows
from nca_assets.vocabulary.current import current_digest
from nca_assets.warehouse.catalog import BOARD_COLUMNS, SCORE_COLUMNS

VERSION = 2
"""Raised when a baseline or a score changes, so that kept parts are made again."""

SEEDS = 3
"""Trainings of each baseline that learns, with other windows and initial weights."""

MAX_ROLLOUTS = 20_000
"""Training rollouts to learn from, in proportion by behavior."""

NETWORKS = {"convnet": ConvNet, "transformer": Transformer}

SCHEMA, BOARD_SCHEMA = polars_schema(SCORE_COLUMNS), polars_schema(BOARD_COLUMNS)


@dataclass(frozen=True)
class Leaderboard:
    """All scores, a row per model, seed, horizon and rollout, their boards, and their files."""

    rows: pl.DataFrame
    boards: pl.DataFrame
    file: Stored

    @property
    def digest(self) -> str:
        """SHA-256 of the rows."""
        return hashlib.sha256(self.rows.write_csv().encode()).hexdigest()


@dataclass(frozen=True)
class Work:
    """The rollouts to learn from and to be scored on, and the horizons."""

    learn_from: RolloutSource
    test_on: RolloutSource
    horizons: tuple[int, ...]
    data: DataFolder
    resources: Resources

    @classmethod
    def of(cls, data: DataFolder, resources: Resources) -> Work:
        """Both splits. Raises ``NcaError`` if one has no labeled rollouts, or if the test split was labeled with a
        recipe or vocabulary that is not current."""
        learn_from, test_on = split("train", data, most=MAX_ROLLOUTS), test_split(data)
        require_same_recipe(test_on.table, data)  # the floor simulates what the others read
        horizons = min(horizons_of(learn_from), horizons_of(test_on), key=len)
        return cls(learn_from, test_on, horizons, data, resources)

    @cached_property
    def digest(self) -> str:
        """Identifies all that the scores depend on."""
        rollouts = [digests_of(self.learn_from), digests_of(self.test_on)]
        given = [VERSION, SEEDS, FUTURES, self.horizons, current_digest(self.data), rollouts]
        return hashlib.sha256(json.dumps(given).encode()).hexdigest()


@dataclass(frozen=True)
class Part:
    """The scores of one model and training seed; ``make`` computes them, given progress."""

    model: str
    seed: int
    make: Callable[[Progress], pl.DataFrame]

    def file(self, data: DataFolder) -> Stored:
        """Where they are kept."""
        return data / "tasks" / "parts" / f"{self.model.replace(' ', '_')}_{self.seed}.parquet"


def score_baselines(data: DataFolder, resources: Resources, shown: Shown) -> Leaderboard:
    """Train the baselines on the training split, score them on the test split, and write scores and boards.

    Parts that an earlier run has finished are taken from it. Raises ``NcaError`` if a split has no labeled rollouts, if
    a shard is damaged, or if the test split was labeled with a recipe or vocabulary that is not current.
    """
    work = Work.of(data, resources)
    rows = pl.concat([_made(part, work, shown) for part in _parts(work)])
    ranked = boards(rows).select(pl.col(name).cast(kind) for name, kind in BOARD_SCHEMA.items())
    write_table(rows, data.scores_file, data)
    write_table(ranked, data.boards_file, data)
    return Leaderboard(rows, ranked, data.scores_file)


def _made(part: Part, work: Work, shown: Shown) -> pl.DataFrame:
    """The rows of a part: kept ones if they are sound and of the same inputs."""
    file, inputs = part.file(work.data), {"inputs": work.digest}
    try:
        kept, metadata = read_table(file, work.data, RESCORE)
        if metadata == inputs:
            return kept
    except DamageError:
        pass  # missing, or to be replaced
    with shown(f"{part.model}, seed {part.seed}") as progress:
        rows = part.make(progress).with_columns(model=pl.lit(part.model), seed=part.seed)
    rows = _in_columns(rows)
    write_table(rows, file, work.data, inputs)
    return rows


def _in_columns(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with the columns of scores; those that it lacks are null."""
    missing = [pl.lit(None).alias(name) for name in SCHEMA if name not in rows.columns]
    return rows.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def _parts(work: Work) -> Iterator[Part]:
    yield Part(FLOOR, 0, lambda progress: score_floor(work.test_on, work.horizons, work.data, work.resources, progress))
    for name, predict in UNTRAINED.items():
        model = at_all_horizons(predict, work.horizons)
        yield Part(name, 0, lambda _, model=model: score_model(model, work.test_on, work.horizons))
    device = choose_device(work.resources.device)
    for seed in range(SEEDS):
        windows = Windows(work.learn_from, work.horizons, seed)
        for name, fitted in COUNTED.items():
            yield Part(name, seed, lambda _, fit=fitted, windows=windows: _scored(fit(windows), work))
        for name, build in NETWORKS.items():
            yield Part(
                name,
                seed,
                lambda progress, build=build, windows=windows: _scored(train(build, windows, device, progress), work),
            )


def _scored(model: Model, work: Work) -> pl.DataFrame:
    """The scores of a model that has learned from all windows, which raise an error unless all rollouts were read."""
    return score_model(model, work.test_on, work.horizons).with_columns(trained_on=len(work.learn_from))


def read_scores(data: DataFolder) -> pl.DataFrame:
    """The latest scores. Raises ``DamageError`` if the file is missing or damaged."""
    return read_table(data.scores_file, data, RESCORE)[0]


def read_boards(data: DataFolder) -> pl.DataFrame:
    """The latest boards. Raises ``DamageError`` if the file is missing or damaged."""
    return read_table(data.boards_file, data, RESCORE)[0]


def rank_predictions(files: Sequence[Path], data: DataFolder) -> tuple[pl.DataFrame, bool]:
    """The boards of the predictions in ``files`` among the baselines, and whether those are left out for want of scores
    on the same rollouts. Raises ``NcaError`` if a file is refused."""
    scored = [score_predictions(file, data).with_columns(seed=number) for number, file in enumerate(files)]
    rows = _in_columns(pl.concat(scored))
    try:
        known = read_scores(data).filter(pl.col("horizon") == TASK, ~pl.col("model").is_in(rows["model"].unique()))
    except DamageError:
        known = rows.clear()
    alone = set(known["rollout_id"]) != set(rows["rollout_id"])
    return boards(rows if alone else pl.concat([known, rows], how="diagonal")), alone
