"""The warehouse's tables and views in build order, with a comment for each table and column.

The query behind table ``NAME`` is in ``sql/NAME.sql``; ``sources`` has the files it is built from.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from nca_assets.labels.schema import CURVE_SUM_COLUMNS, LABEL_COLUMNS, Column, label_columns
from nca_assets.warehouse.table import Table, View

OLD_NAMES = {"set_name": "set", "rollout_index": "index"}
"""Former names of columns, which queries had to quote."""

_SHARD = (Column("partition_key", "VARCHAR", "Partition, like set1-00000"), *label_columns("set_name", "shard"))
_COLLECTION = Column("name", "VARCHAR", "Name of the collection")
_CELLS = Column("cells", "INTEGER", "Cells per frame")

EVENT_COLUMNS = (
    Column("asset", "VARCHAR", "Asset, like rollout_shards or analytics/labels"),
    Column("partition_key", "VARCHAR", "Partition; null if the asset has none"),
    Column("time", "TIMESTAMP", "Time of the event, UTC"),
    Column("run_id", "VARCHAR", "Run that materialized it"),
    Column("code_version", "VARCHAR", "Version of the code that ran"),
    Column("data_version", "VARCHAR", "Digest of the result"),
    Column(
        "inputs",
        "MAP(VARCHAR, VARCHAR)",
        "Data version of each input asset; for several partitions, a hash of theirs",
    ),
    Column("device", "VARCHAR", "Device of the simulation; null if nothing was simulated"),
    Column("seconds", "DOUBLE", "Duration in seconds"),
    Column("tokens_per_second", "DOUBLE", "Tokens simulated per second; null if none were"),
)
MATERIALIZATION_COLUMNS = (
    *EVENT_COLUMNS,
    Column("changed", "BOOLEAN", "Whether the data version differs from the previous materialization's"),
)

_MEANS = (
    Column("accuracy", "DOUBLE", "Share of cells whose most likely token is the target's, 0 to 1"),
    Column("accuracy_changed", "DOUBLE", "The same over cells that differ from frame 48; null if none do"),
    Column("accuracy_unchanged", "DOUBLE", "The same over cells that don't; null if all differ"),
    Column("skill", "DOUBLE", "1 - cross-entropy over that of the rollout's own unigram; 1 is perfect, 0 no better"),
)
_MODEL = Column("model", "VARCHAR", "Baseline, or the floor: what knowing the rule and the hidden state would allow")
_HORIZON = Column("horizon", "SMALLINT", "Frames from frame 48 to the target: 64 is the task's")
_CROSS_ENTROPY = Column("cross_entropy", "DOUBLE", "Mean of -ln p of the target's tokens, in nats per cell, 0 to 14")
_TRAINED_ON = Column("trained_on", "INTEGER", "Training rollouts that it has seen; null if it learns from none")

SCORE_COLUMNS = (
    _MODEL,
    Column("seed", "SMALLINT", "Number of the training; 0 for what is not trained"),
    _HORIZON,
    *label_columns("rollout_id", "set_name", "behavior", "difficulty", "height", "width"),
    _CROSS_ENTROPY,
    *_MEANS,
    Column("low", "DOUBLE", "Floor only: lower end of the 95 % interval of its score on this target"),
    Column("high", "DOUBLE", "Floor only: upper end"),
    _TRAINED_ON,
)

_RANKED = (
    _MODEL,
    Column("rollouts", "BIGINT", "Test rollouts scored"),
    Column("seeds", "BIGINT", "Trainings"),
    _TRAINED_ON,
    replace(_CROSS_ENTROPY, description=f"Mean over rollouts and seeds. {_CROSS_ENTROPY.description}"),
    Column("low", "DOUBLE", "Lower end of its 95 % interval, over rollouts and seeds; null below 5 rollouts"),
    Column("high", "DOUBLE", "Upper end"),
    Column(
        "behind", "DOUBLE", "Difference from the best model's cross-entropy on the same rollouts; null for that one"
    ),
    Column("behind_low", "DOUBLE", "Lower end of the difference's 95 % interval: below 0, the two may be equal"),
    Column("behind_high", "DOUBLE", "Upper end"),
    *(replace(column, description=f"Mean over rollouts and seeds. {column.description}") for column in _MEANS),
)

BOARD_COLUMNS = (
    Column("board", "VARCHAR", "Label by which rollouts are grouped, behavior, difficulty or size; or all"),
    Column("value", "VARCHAR", "Its value, or all"),
    _HORIZON,
    *_RANKED,
)

TABLES = (
    Table.of(
        "label_parts",
        "One row per label part: its inputs and versions",
        ("label_files",),
        *_SHARD,
        Column("rollouts", "BIGINT", "Rollouts in the part"),
        Column("file_bytes", "BIGINT", "Size of the Parquet file in bytes"),
        Column("digest", "VARCHAR", "SHA-256 of its rows and curves; the partition's data version"),
        Column("label_version", "SMALLINT", "Version of the label definitions"),
        Column("recipe_version", "SMALLINT", "Version of the rollouts' recipe; null if imported"),
        Column("shard_digest", "VARCHAR", "Digest of the labeled shard"),
        Column("centroids_digest", "VARCHAR", "Digest of the vocabulary used to simulate the replicas"),
    ),
    Table(
        "labels",
        "One row per labeled rollout: identity, recipe, class and metrics",
        ("label_files", "label_parts"),
        LABEL_COLUMNS,
        follows=True,
    ),
    View.of(
        "labels_old_names",
        "The labels under their former column names, set and index, for old queries",
        ("labels",),
        *(replace(column, name=OLD_NAMES.get(column.name, column.name)) for column in LABEL_COLUMNS),
    ),
    View.of(
        "rollouts",
        "One row per labeled rollout: identity and recipe",
        ("labels",),
        *takewhile(lambda column: column.name != "label_version", LABEL_COLUMNS),
    ),
    Table.of(
        "shards",
        "One row per materialized or imported shard, from its manifest",
        ("manifests",),
        *_SHARD,
        Column("rollouts", "BIGINT", "Rollouts in the shard"),
        Column("frames", "INTEGER", "Maximum frames per rollout"),
        Column("tokens", "BIGINT", "Tokens in the shard: cells times frames, over all rollouts"),
        Column("file_bytes", "BIGINT", "Size of the .npz file in bytes; 0 if its tokens are not kept"),
        Column("digest", "VARCHAR", "SHA-256 over the rollouts' digests; the partition's data version"),
        Column("recipe_version", "SMALLINT", "Version of the recipe behind the tokens; null if imported"),
        Column("centroids_digest", "VARCHAR", "SHA-256 of the tokens' vocabulary; null if imported"),
        Column("device", "VARCHAR", "Device of the latest simulation; null if imported"),
        Column(
            "seconds",
            "DOUBLE",
            "Time taken, including writing, in seconds; without tokens, labeling too; null if imported",
        ),
        Column("tokens_per_second", "DOUBLE", "Tokens over that time"),
        Column("reproducible", "BOOLEAN", "Whether a recipe can recreate it; imported shards exist only as files"),
        Column("source", "VARCHAR", "File it was imported from; null if native"),
        Column("tokens_kept", "BOOLEAN", "Whether its tokens lie in a file; if not, they follow from the recipes"),
    ),
    Table.of(
        "token_frequency",
        "How often each token occurs in the shards, by set",
        ("manifests",),
        *label_columns("set_name"),
        Column("token", "SMALLINT", "Token, 0 to 31; up to 255 in imported sets"),
        Column("count", "HUGEINT", "Occurrences over all cells and frames"),
        Column("share", "DOUBLE", "The same as a share of the set's tokens, 0 to 1"),
    ),
    Table.of(
        "frame_curves",
        "Mean curves over time by set and class; curves of single rollouts are in data/curves",
        ("curve_sum_files",),
        *CURVE_SUM_COLUMNS[:3],
        Column("rollouts", "BIGINT", "Rollouts averaged"),
        Column("entropy", "DOUBLE", "Mean Shannon entropy of the frame's tokens, in bits"),
        Column("novelty", "DOUBLE", "Mean share of cells that changed since the frame before, 0 to 1; 0 at frame 0"),
        Column("difference", "DOUBLE", "Mean share of cells that differ from frame 0, 0 to 1"),
        Column("similarity_100", "DOUBLE", "Mean share of cells equal to frame 100; null before it"),
    ),
    Table.of(
        "card_comparison",
        "Statistics of our labeled rollouts beside those on the original dataset's card",
        ("labels", "token_frequency"),
        Column("statistic", "VARCHAR", "Statistic compared"),
        Column("unit", "VARCHAR", "Unit of the two values"),
        Column("card", "DOUBLE", "Value on the card; null if none is given"),
        Column("card_says", "VARCHAR", "The same as text, or the card's wording if it gives no value"),
        Column("ours", "DOUBLE", "Value over our three sets"),
        Column("target", "VARCHAR", "Target range for ours; null if only reported"),
        Column("within_target", "BOOLEAN", "Whether ours is within that range; null if there is none"),
    ),
    Table(
        "materializations",
        "One row per materialization of any asset and partition, from the orchestrator's log as of this build's start",
        ("history_files",),
        MATERIALIZATION_COLUMNS,
    ),
    View.of(
        "current_materializations",
        "The latest materialization of each asset and partition",
        ("materializations",),
        *MATERIALIZATION_COLUMNS,
    ),
    Table.of(
        "stale_partitions",
        "Partitions whose files are missing, damaged or made from outdated inputs, with the reason in words",
        ("shards", "label_parts", "materializations"),
        Column("asset", "VARCHAR", "Asset"),
        MATERIALIZATION_COLUMNS[1],
        Column("reason", "VARCHAR", "Why it is stale; several reasons are separated by semicolons"),
        Column("materialized_at", "TIMESTAMP", "Time of the last materialization, UTC; null if none is recorded"),
    ),
    Table.of(
        "collections",
        "One row per version of each collection: a frozen query result",
        ("collection_files",),
        _COLLECTION,
        Column("version", "INTEGER", "Version, from 1"),
        Column("latest", "BOOLEAN", "Whether it is the collection's latest version"),
        Column("query", "VARCHAR", "Query that produced it"),
        Column("sampling", "VARCHAR", "Sampling or illumination applied to the query's result"),
        Column("created", "TIMESTAMP", "When it was frozen, UTC"),
        Column("snapshot", "VARCHAR", "Version of the warehouse queried; compare snapshot.version"),
        Column("rollouts", "BIGINT", "Rollouts in it"),
        Column("digest", "VARCHAR", "SHA-256 of the rollouts' ids and digests"),
    ),
    Table.of(
        "collection_rollouts",
        "The rollouts of each version of each collection",
        ("collection_files",),
        _COLLECTION,
        Column("version", "INTEGER", "Version of the collection"),
        *label_columns("rollout_id", "digest"),
    ),
    View.of(
        "behavior_summary",
        "Rollouts, share and mean metrics by behavior class",
        ("labels",),
        Column("origin", "VARCHAR", "'recipes' for our three sets together, else the name of an imported set"),
        CURVE_SUM_COLUMNS[1],
        Column("rollouts", "BIGINT", "Rollouts of the class"),
        Column("percent", "DOUBLE", "Share of the origin's rollouts, in percent"),
        Column("mean_change", "DOUBLE", "Mean share of cells that change per step, 0 to 1"),
        Column("tail_change", "DOUBLE", "The same over the last 128 frames"),
        Column("token_entropy", "DOUBLE", "Mean token entropy, in bits"),
        Column("median_period", "DOUBLE", "Median period in frames; null if the class has none"),
    ),
    View.of(
        "phase_space",
        "One row per rollout: its position between order and chaos",
        ("labels",),
        *label_columns("rollout_id", "set_name", "behavior", "family"),
        _CELLS,
        *(replace(column, name="volatility") for column in label_columns("late_change")),
        *label_columns("tail_entropy", "token_entropy", "block_entropy", "conditional_entropy"),
        *label_columns("compression_ratio", "damage"),
    ),
    View.of(
        "geometry",
        "Rollouts and tokens by grid size",
        ("labels",),
        *label_columns("set_name", "height", "width"),
        _CELLS,
        Column("aspect", "DOUBLE", "Longer side over shorter side, 1 or more"),
        Column("rollouts", "BIGINT", "Rollouts of this grid size"),
        Column("tokens", "BIGINT", "Tokens in them"),
    ),
    Table(
        "splits",
        "One row per labeled rollout: its part in each of four splits",
        ("labels",),
        (
            *label_columns("rollout_id", "set_name"),
            Column("by_rollout", "VARCHAR", "train (80 %), validation or test (10 % each), by the rollout's id alone"),
            Column("by_size", "VARCHAR", "By the longer side: train up to 24, validation up to 32, test beyond"),
            Column("by_class", "VARCHAR", "held_out for rhythmic, streaming and translating, else as by_rollout"),
            Column(
                "by_family",
                "VARCHAR",
                "held_out for domains, breathers, pulsing_gliders, excitable and lifelike, else as by_rollout",
            ),
        ),
        follows=True,
    ),
    View.of(
        "lag_similarity",
        "Similarity to an earlier frame, by lag: one row per rollout, start and lag",
        ("labels",),
        *label_columns("rollout_id", "set_name", "behavior"),
        Column("start", "SMALLINT", "Reference frame: 0 or 100"),
        Column("lag", "SMALLINT", "Frames after the reference, 1 to 256"),
        Column("similarity", "DOUBLE", "Share of cells with the same token in both, 0 to 1"),
    ),
    Table(
        "horizon_scores",
        "One row per baseline, training seed, horizon and test rollout",
        ("score_files",),
        SCORE_COLUMNS,
    ),
    View.of(
        "long_horizon_scores",
        "One row per baseline, training seed and test rollout of the sparse long-horizon task",
        ("horizon_scores",),
        *(column for column in SCORE_COLUMNS if column != _HORIZON),
    ),
    Table(
        "long_horizon_boards",
        "Mean scores of the baselines with intervals: over all test rollouts by horizon, and for the task by label",
        ("board_files",),
        BOARD_COLUMNS,
    ),
    View.of(
        "long_horizon_leaderboard",
        "Mean scores of the baselines on the long-horizon task, lowest cross-entropy first",
        ("long_horizon_boards",),
        *_RANKED,
    ),
    Table(
        "snapshot",
        "One row: the state of the data in this file",
        ("label_parts",),
        (
            Column("version", "VARCHAR", "Digest of the label parts; files of the same version hold the same labels"),
            Column("built_at", "TIMESTAMP", "Build time, UTC"),
            Column("recipe_version", "SMALLINT", "Version of the recipe at that time"),
            Column("label_version", "SMALLINT", "Version of the label definitions at that time"),
            Column("centroids_digest", "VARCHAR", "Digest of the vocabulary at that time"),
            Column("duckdb_version", "VARCHAR", "Version of DuckDB that built it"),
        ),
        follows=True,
    ),
)

BY_NAME = {table.name: table for table in TABLES}
