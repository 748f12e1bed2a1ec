"""The label table's columns, in one place for the Parquet files, DuckDB's comments and Dagster's table schema.

Not here: how a value is computed (``metrics``, ``behavior``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column: its name, DuckDB type, and what it says, with unit and range."""

    name: str
    type: str
    description: str


LABEL_COLUMNS = (
    Column("rollout_id", "VARCHAR", "Name of the rollout: its set and index, like set1/000017"),
    Column("set", "VARCHAR", "Set: set1, set2 or set3"),
    Column("index", "BIGINT", "Number of the rollout in its set, from 0"),
    Column("shard", "INTEGER", "Number of the shard in its set, from 0"),
    Column("height", "SMALLINT", "Rows of the grid, 8 to 48 cells"),
    Column("width", "SMALLINT", "Columns of the grid, 8 to 48 cells"),
    Column("frames", "INTEGER", "Frames of the rollout, the initial state included"),
    Column("recipe_version", "SMALLINT", "Version of the recipe that the tokens follow from"),
    Column("gain_in", "SMALLINT", "Largest weight of the first convolution, in units of 1/64"),
    Column("gain_out", "SMALLINT", "Largest weight of the second convolution, in units of 1/64"),
    Column("residual_scale", "DOUBLE", "Factor of the residual update, a power of two in (0, 1]"),
    Column("leak", "DOUBLE", "Share of the state that the update subtracts, 0 to 1"),
    Column(
        "noise", "DOUBLE", "Largest noise added to a channel in a step, in units of the state (which is in [-1, 1])"
    ),
    Column("digest", "VARCHAR", "SHA-256 of the rollout's tokens, with their shape"),
    Column("label_version", "SMALLINT", "Version of the definitions of the columns that follow"),
    Column("behavior", "VARCHAR", "Class: static, translating, periodic, rhythmic or drifting, the first that applies"),
    Column("period", "SMALLINT", "Period in frames, of translating, periodic and rhythmic rollouts; else null"),
    Column("dy", "SMALLINT", "Shift per period of translating rollouts in cells, down positive; else null"),
    Column("dx", "SMALLINT", "Shift per period of translating rollouts in cells, right positive; else null"),
    Column(
        "mean_change", "DOUBLE", "Share of cells that change from a frame to the next, mean over all frames, 0 to 1"
    ),
    Column("tail_change", "DOUBLE", "The same over the last 128 frames, 0 to 1"),
    Column("early_change", "DOUBLE", "The same over the first 16 steps, 0 to 1"),
    Column("late_change", "DOUBLE", "The same from frame 100 on, 0 to 1"),
    Column("change_48_112", "DOUBLE", "Share of cells that differ between frames 48 and 112, 0 to 1"),
    Column("token_entropy", "DOUBLE", "Shannon entropy of the tokens of all cells and frames, 0 to 5 bits"),
    Column("tokens_used", "SMALLINT", "How many of the 32 tokens occur, 1 to 32"),
    Column("rhythm_prominence", "DOUBLE", "Greatest rise of the lag-match curve above its running minimum, 0 to 1"),
)
