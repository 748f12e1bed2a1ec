"""The leaderboard of the long-horizon task: scores of all baselines, one row per model and rollout, in Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from nca_assets.automaton.device import choose_device
from nca_assets.data_folder import DataFolder
from nca_assets.labels.table import polars_schema, read_table, write_table
from nca_assets.loading.same_recipe import require_same_recipe
from nca_assets.loading.source import RolloutSource
from nca_assets.remedies import RESCORE
from nca_assets.settings import Resources
from nca_assets.shards.local import Shown
from nca_assets.store.location import Stored
from nca_assets.tasks.baselines import counting_models
from nca_assets.tasks.long_horizon import evaluate, evaluate_examples, split
from nca_assets.tasks.networks import ConvNet, Transformer, train
from nca_assets.tasks.oracle import Oracle
from nca_assets.tasks.scores import summary
from nca_assets.warehouse.catalog import SCORE_COLUMNS

ORACLE = "oracle"

SURE = 3.0
"""Standard errors that make a difference significant: one-sided p = 1/700 if means are normally distributed."""

MAX_EXAMPLES = 1000
"""Test rollouts to score, in proportion by behavior: enough to resolve half a percent of accuracy."""

MAX_ROLLOUTS = 20_000
"""Training rollouts to learn from."""

NETWORKS = {"convnet": ConvNet, "transformer": Transformer}


@dataclass(frozen=True)
class Leaderboard:
    """All scores, a row per model and rollout, and their file."""

    rows: pl.DataFrame
    file: Stored

    @property
    def digest(self) -> str:
        """SHA-256 of the rows."""
        return hashlib.sha256(self.rows.write_csv().encode()).hexdigest()

    @property
    def models(self) -> pl.DataFrame:
        """The mean scores of each model, lowest cross-entropy first."""
        return summary(self.rows, "model").sort("cross_entropy")


def score_baselines(data: DataFolder, resources: Resources, shown: Shown) -> Leaderboard:
    """Train the baselines on the training split, score them on the test split, and write the scores.

    Raises ``NcaError`` if a split has no labeled rollouts, if a shard is damaged, or if the test split was labeled with
    a recipe or vocabulary that is not current.
    """
    learn_from, test_on = (split("train", data, most=MAX_ROLLOUTS), split("test", data, most=MAX_EXAMPLES))
    require_same_recipe(test_on.table, data)  # the oracle simulates what the others read
    tables = list(_tables(learn_from, test_on, data, resources, shown))
    rows = pl.concat(tables).select(pl.col(name).cast(kind) for name, kind in polars_schema(SCORE_COLUMNS).items())
    file = data.scores_file
    write_table(rows, file, data)
    return Leaderboard(rows, file)


def _tables(
    learn_from: RolloutSource, test_on: RolloutSource, data: DataFolder, resources: Resources, shown: Shown
) -> Iterator[pl.DataFrame]:
    with shown("counting") as progress:
        models = counting_models(learn_from)
        progress(1, 1)
    device = choose_device(resources.device)
    for name, build in NETWORKS.items():
        with shown(f"training {name}") as progress:
            models[name] = train(build, learn_from, device, progress)
    for done, (name, predict) in enumerate(models.items(), start=1):
        with shown(f"scoring {name}") as progress:
            yield evaluate(predict, test_on).rows.with_columns(model=pl.lit(name))
            progress(done, len(models))
    with shown(f"scoring {ORACLE}"):
        yield evaluate_examples(Oracle.of(data, resources), test_on).with_columns(model=pl.lit(ORACLE))


def read_scores(data: DataFolder) -> pl.DataFrame:
    """The latest scores. Raises ``DamageError`` if the file is missing or damaged."""
    return read_table(data.scores_file, data, RESCORE)[0]


def best_model(models: pl.DataFrame) -> str:
    """The model with the lowest mean cross-entropy, except the oracle."""
    return models.filter(pl.col("model") != ORACLE)["model"][0]


def above_the_oracle(rows: pl.DataFrame) -> pl.DataFrame:
    """Excess of each model's mean cross-entropy over the oracle's, in nats per cell, smallest first.

    Columns: ``model``, ``above``, and its ``standard_error``, null for a single rollout. Both come from paired
    differences, which scatter far less than the scores.
    """
    oracle = rows.filter(model=ORACLE).select("rollout_id", oracle="cross_entropy")
    paired = rows.filter(pl.col("model") != ORACLE).join(oracle, on="rollout_id")
    difference = pl.col("cross_entropy") - pl.col("oracle")
    means = (difference.mean().alias("above"), (difference.std() / pl.len().sqrt()).alias("standard_error"))
    return paired.group_by("model").agg(means).sort("above", "model")


def below_the_oracle(rows: pl.DataFrame) -> list[str]:
    """Models below the oracle by more than ``SURE`` standard errors, which must have seen the answers.

    The oracle's score is an estimate with an upward bias, so a good model may be below it by chance.
    """
    above = above_the_oracle(rows)
    return above.filter(pl.col("above") + SURE * pl.col("standard_error") < 0)["model"].to_list()
