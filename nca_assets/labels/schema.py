"""The label table's columns, in one place for Parquet files, DuckDB's comments, Dagster's table schema and the docs.

Not here: how a value is computed (``metrics``, ``behavior``).
"""

from __future__ import annotations

from dataclasses import dataclass

from nca_assets.automaton.population import FAMILY_SHARES
from nca_assets.labels.behavior import CLASSES

ENTROPY_FRAMES = (0, 16, 100, 499)
SIMILARITY_STARTS = (0, 100)
SIMILARITY_LAGS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Column:
    """A column: its name, DuckDB type, and what it says, with unit and range."""

    name: str
    type: str
    description: str


LABEL_COLUMNS = (
    Column("rollout_id", "VARCHAR", "Name of the rollout: its set and index, like set1/000017"),
    Column("set_name", "VARCHAR", "Set: set1, set2 or set3, or the name of an imported set"),
    Column("rollout_index", "BIGINT", "Number of the rollout in its set, from 0"),
    Column("shard", "INTEGER", "Number of the shard in its set, from 0"),
    Column("height", "SMALLINT", "Rows of the grid, in cells"),
    Column("width", "SMALLINT", "Columns of the grid, in cells"),
    Column("frames", "INTEGER", "Frames of the rollout, the initial state included"),
    Column(
        "recipe_version", "SMALLINT", "Version of the recipe that the tokens follow from; null if they were imported"
    ),
    Column("family", "VARCHAR", f"Family of rules: {', '.join(dict(FAMILY_SHARES))}"),
    Column("start", "VARCHAR", "Kind of frame 0: noise, patches, sparse, seeds, or ground, which has marks alone"),
    Column("residual_scale", "DOUBLE", "Factor of the residual update, a power of two in (0, 1]"),
    Column("leak", "DOUBLE", "Share of the state that the update subtracts, 0 to 1"),
    Column(
        "noise", "DOUBLE", "Largest noise added to a channel in a step, in units of the state (which is in [-1, 1])"
    ),
    Column("digest", "VARCHAR", "SHA-256 of the rollout's tokens, with their shape"),
    Column("label_version", "SMALLINT", "Version of the definitions of the columns that follow"),
    Column("behavior", "VARCHAR", f"First class that applies: {', '.join(CLASSES[:-1])} or {CLASSES[-1]}"),
    Column("period", "SMALLINT", "Period in frames, of what repeats, beats or travels at regular intervals; else null"),
    Column("dy", "SMALLINT", "Shift per period in cells, down positive, if gliding or translating; else null"),
    Column("dx", "SMALLINT", "Shift per period in cells, right positive, if gliding or translating; else null"),
    Column("speed", "DOUBLE", "Speed in cells per frame, if gliding or translating; else null"),
    Column("transient", "INTEGER", "First frame from which on the rollout behaves as in its tail, from 0"),
    Column(
        "mean_change", "DOUBLE", "Share of cells that change from a frame to the next, mean over all frames, 0 to 1"
    ),
    Column("tail_change", "DOUBLE", "The same over the tail, the last 128 frames, 0 to 1"),
    Column("early_change", "DOUBLE", "The same over the first 16 steps, 0 to 1"),
    Column(
        "late_change", "DOUBLE", "Share of cells that change from a frame to the next, mean from frame 100 on, 0 to 1"
    ),
    Column("change_48_112", "DOUBLE", "Share of cells that differ between frames 48 and 112, 0 to 1"),
    Column(
        "change_renamed_48_112",
        "DOUBLE",
        "Share of cells that differ between frames 48 and 112 under the best renaming of the tokens, 0 to 1",
    ),
    Column("frozen_share", "DOUBLE", "Share of cells that never change in the tail, 0 to 1"),
    Column("domains", "DOUBLE", "Share of equal neighbors above chance, in the tail, -1 to 1; 0 in noise"),
    Column(
        "correlation_length", "DOUBLE", "Cells until the correlation falls below 1/e, in the tail; null if it doesn't"
    ),
    Column("wavelength", "DOUBLE", "Length of the strongest wave in the tail, in cells; null if none stands out"),
    Column(
        "wave_direction",
        "DOUBLE",
        "Direction across its crests in degrees from right to down, 0 to 180; null if none stands out",
    ),
    Column("ground_share", "DOUBLE", "Share of a frame that its commonest token covers, mean over the tail, 1/32 to 1"),
    Column(
        "ground_still",
        "DOUBLE",
        "Share of the tail's frames with the same ground, 1/128 to 1; null if ground_share < 0.5",
    ),
    Column("objects", "DOUBLE", "Objects on the ground in a frame of the tail, 0 or more; null without a ground"),
    Column("object_size", "DOUBLE", "Cells of an object, mean; null without objects"),
    Column(
        "objects_in_place", "DOUBLE", "Chance that a cell of an object is one at another time too, 0 to 1; else null"
    ),
    Column("object_speed", "DOUBLE", "Speed of objects in cells per frame, 0 if in place; null if neither"),
    Column("synchrony", "DOUBLE", "Share of change in the tail that one renaming of the tokens explains, 0 to 1"),
    Column("traveling", "DOUBLE", "Share of change at the end that is carried from cell to cell, 0 to 1"),
    Column("streaming", "DOUBLE", "What is left of it when opposite directions cancel out, 0 to 1"),
    Column("token_entropy", "DOUBLE", "Shannon entropy of the tokens of all cells and frames, 0 to 5 bits"),
    Column("tail_entropy", "DOUBLE", "The same of a frame, mean over the tail, 0 to 5 bits"),
    Column("block_entropy", "DOUBLE", "Shannon entropy of the 2x2 blocks of 19 frames of the tail, 0 to 20 bits"),
    Column("conditional_entropy", "DOUBLE", "Entropy of a cell's token given its token a frame before, 0 to 5 bits"),
    Column("entropy_0", "DOUBLE", "Shannon entropy of the tokens of frame 0, 0 to 5 bits"),
    *(Column(f"entropy_{frame}", "DOUBLE", f"The same of frame {frame}") for frame in ENTROPY_FRAMES[1:-1]),
    Column(f"entropy_{ENTROPY_FRAMES[-1]}", "DOUBLE", f"The same of frame {ENTROPY_FRAMES[-1]}; null if there is none"),
    Column("tokens_used", "SMALLINT", "How many of the 32 tokens occur, 1 to 32"),
    Column("top_token", "SMALLINT", "Token that occurs most often, the lowest of several, 0 to 31"),
    Column("top_token_share", "DOUBLE", "Share of all cells and frames that hold it, 1/32 to 1"),
    Column(
        "compression_ratio", "DOUBLE", "Bytes after over bytes before zstd, level 3, of the tokens in (t, y, x) order"
    ),
    Column("rhythm_prominence", "DOUBLE", "Greatest share of the lag-match curve's fall that it gets back, 0 to 1"),
    *(
        Column(
            f"similarity_{start}_{lag}",
            "DOUBLE",
            f"Share of cells with the same token in frames {start} and {start + lag}, 0 to 1; null without the latter",
        )
        for start in SIMILARITY_STARTS
        for lag in SIMILARITY_LAGS
    ),
    Column(
        "damage",
        "DOUBLE",
        "Share of cells that differ from the replica with a flipped block; frames 96 to 111, 0 to 1",
    ),
    Column("damage_independent", "DOUBLE", "The same if the tokens of those frames lay in random places, 0 to 31/32"),
    Column(
        "damage_speed",
        "DOUBLE",
        "Cells per frame at which damage got half of the way to the far side; 0 if it never did",
    ),
    Column("saturation", "DOUBLE", "Share of the hidden channels at the bounds, at frame 16, 0 to 1"),
    Column(
        "clear_tokens",
        "DOUBLE",
        "Share of cells whose nearest centroid's cosine is a tenth above the next one's, at frame 16, 0 to 1",
    ),
)
"""One row a rollout."""

IDENTITY = ("rollout_id", "set_name", "rollout_index", "shard", "digest")
"""What a row of labels says nothing without; other columns may be missing from parts of other releases."""


def label_columns(*names: str) -> tuple[Column, ...]:
    """The columns of these names, in the order given."""
    by_name = {column.name: column for column in LABEL_COLUMNS}
    return tuple(by_name[name] for name in names)


CURVE_COLUMNS = (
    *label_columns("rollout_id", "set_name", "rollout_index"),
    Column("cells", "INTEGER", "Cells of a frame"),
    Column("entropy", "USMALLINT[]", "Of each frame, the Shannon entropy of its tokens, in units of 1/4096 bit"),
    Column(
        "changed", "USMALLINT[]", "Of each frame, the cells that changed since the one before (novelty); 0 at frame 0"
    ),
    Column("differing", "USMALLINT[]", "Of each frame, the cells that differ from frame 0 (cumulative difference)"),
    Column("matching_100", "USMALLINT[]", "Of each frame from 100 on, the cells that are as in frame 100"),
)
"""One row a rollout, in the curve parts."""

CURVE_SUM_COLUMNS = (
    *label_columns("set_name"),
    Column("behavior", "VARCHAR", "Class"),
    Column("frame", "INTEGER", "Frame, from 0"),
    Column("rollouts", "INTEGER", "Rollouts of the class that have this frame"),
    Column("entropy", "DOUBLE", "Sum over them of the Shannon entropy of the frame's tokens, in bits"),
    Column("novelty", "DOUBLE", "Sum of the share of cells that changed since the frame before"),
    Column("difference", "DOUBLE", "Sum of the share of cells that differ from frame 0"),
    Column("similarity_100", "DOUBLE", "Sum of the share of cells that are as in frame 100; 0 before it"),
)
"""One row a class and frame, in the parts from which ``frame_curves`` is summed up."""
