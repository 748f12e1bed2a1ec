"""The warehouse's tables and views, in the order they are built, with a comment for each and for every column.

The SQL that makes ``NAME`` is in ``NAME.sql`` beside this file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nca_assets.labels.schema import LABEL_COLUMNS, Column

_RECIPE_COLUMNS = LABEL_COLUMNS[: [column.name for column in LABEL_COLUMNS].index("digest") + 1]


@dataclass(frozen=True)
class Table:
    """A table or view, its columns, and what it is made from: other tables here, ``label_parts`` or ``manifests``."""

    name: str
    description: str
    sources: tuple[str, ...]
    columns: tuple[Column, ...]
    kind: str = "TABLE"

    @property
    def sql(self) -> str:
        """The statement that makes it."""
        return Path(__file__).with_name(f"{self.name}.sql").read_text()

    @property
    def version(self) -> str:
        """Changes whenever the SQL or the columns do."""
        return hashlib.sha256(f"{self.sql}{self.columns}".encode()).hexdigest()[:12]


TABLES = (
    Table(
        "labels", "One row per labelled rollout: identity, recipe, class and metrics", ("label_parts",), LABEL_COLUMNS
    ),
    Table("rollouts", "One row per labelled rollout: identity and recipe", ("labels",), _RECIPE_COLUMNS),
    Table(
        "shards",
        "One row per materialized shard, from its manifest",
        ("manifests",),
        (
            Column("partition_key", "VARCHAR", "Dagster partition, like set1-00000"),
            Column("set", "VARCHAR", "Set: set1, set2 or set3"),
            Column("shard", "INTEGER", "Number of the shard in its set, from 0"),
            Column("rollouts", "BIGINT", "Rollouts in the shard"),
            Column("frames", "INTEGER", "Frames per rollout"),
            Column("tokens", "BIGINT", "Tokens in the shard: cells times frames, over all rollouts"),
            Column("file_bytes", "BIGINT", "Size of the .npz file in bytes"),
            Column("digest", "VARCHAR", "SHA-256 over the rollouts' digests; the partition's data version"),
            Column("recipe_version", "SMALLINT", "Version of the recipe that the tokens follow from"),
            Column("centroids_digest", "VARCHAR", "SHA-256 of the vocabulary that the tokens are written in"),
            Column("device", "VARCHAR", "Device that simulated it last"),
            Column("seconds", "DOUBLE", "Time that took, compressing and writing included, in seconds"),
            Column("tokens_per_second", "DOUBLE", "Tokens over that time"),
        ),
    ),
    Table(
        "token_frequency",
        "How often each of the 32 tokens occurs in the materialized shards, by set",
        ("manifests",),
        (
            Column("set", "VARCHAR", "Set: set1, set2 or set3"),
            Column("token", "TINYINT", "Token, 0 to 31"),
            Column("count", "HUGEINT", "Cells and frames that hold it"),
            Column("share", "DOUBLE", "The same as a share of the set's tokens, 0 to 1"),
        ),
    ),
    Table(
        "card_comparison",
        "Statistics of the labelled rollouts beside those on the original dataset's card",
        ("labels", "token_frequency"),
        (
            Column("statistic", "VARCHAR", "What is compared"),
            Column("unit", "VARCHAR", "Unit of the two values"),
            Column("card", "DOUBLE", "Value on the card; null where it gives none"),
            Column("ours", "DOUBLE", "Value over all sets"),
            Column("target", "VARCHAR", "Range that ours is held to; null where it is only reported"),
            Column("within_target", "BOOLEAN", "Whether ours is in that range; null where there is none"),
        ),
    ),
    Table(
        "behavior_summary",
        "Rollouts, share and mean metrics by behavior class, over all sets",
        ("labels",),
        (
            Column("behavior", "VARCHAR", "Class"),
            Column("rollouts", "BIGINT", "Rollouts of the class"),
            Column("percent", "DOUBLE", "Share of all rollouts, in percent"),
            Column("mean_change", "DOUBLE", "Mean share of cells that change per step, 0 to 1"),
            Column("tail_change", "DOUBLE", "The same over the last 128 frames"),
            Column("token_entropy", "DOUBLE", "Mean token entropy, in bits"),
            Column("median_period", "DOUBLE", "Median period in frames; null where the class has none"),
        ),
        kind="VIEW",
    ),
)
