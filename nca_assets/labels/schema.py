"""The label table's columns, in one place for Parquet files, DuckDB's comments, Dagster's table schema and the docs.

Not here: the computation of values (``metrics``, ``behavior``).
"""

from __future__ import annotations

from dataclasses import dataclass

from nca_assets.automaton.population import FAMILY_SHARES
from nca_assets.labels.names import CLASSES, STUDENTS, TIERS

ENTROPY_FRAMES = (0, 16, 100, 499)
SIMILARITY_STARTS = (0, 100)
SIMILARITY_LAGS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Column:
    """A column: its name, DuckDB type, and meaning, with unit and range."""

    name: str
    type: str
    description: str


LABEL_COLUMNS = (
    Column("rollout_id", "VARCHAR", "Name of the rollout: its set and index, like set1/000017"),
    Column("set_name", "VARCHAR", "Set: set1, set2 and so on, or the name of an imported set"),
    Column("rollout_index", "BIGINT", "Number of the rollout in its set, from 0"),
    Column("shard", "INTEGER", "Number of the shard in its set, from 0"),
    Column("height", "SMALLINT", "Rows of the grid, in cells"),
    Column("width", "SMALLINT", "Columns of the grid, in cells"),
    Column("frames", "INTEGER", "Frames of the rollout, the initial state included"),
    Column("recipe_version", "SMALLINT", "Version of the recipe that the tokens follow from; null if imported"),
    Column("family", "VARCHAR", f"Family of rules: {', '.join(dict(FAMILY_SHARES))}"),
    Column("start", "VARCHAR", "Kind of frame 0: noise, patches, sparse, seeds, or ground (marks only)"),
    Column("residual_scale", "DOUBLE", "Factor of the residual update, a power of two in (0, 1]"),
    Column("leak", "DOUBLE", "Share of the state that the update subtracts, 0 to 1"),
    Column(
        "noise", "DOUBLE", "Largest noise added to a channel in a step, in units of the state (which is in [-1, 1])"
    ),
    Column("digest", "VARCHAR", "SHA-256 of the rollout's tokens, with their shape"),
    Column("label_version", "SMALLINT", "Version of the definitions of the columns that follow"),
    Column("behavior", "VARCHAR", f"First class that applies: {', '.join(CLASSES[:-1])} or {CLASSES[-1]}"),
    Column("period", "SMALLINT", "Period in frames of a repetition, beat or regular travel; else null"),
    Column("dy", "SMALLINT", "Shift per period in cells, down positive, if gliding or translating; else null"),
    Column("dx", "SMALLINT", "Shift per period in cells, right positive, if gliding or translating; else null"),
    Column("speed", "DOUBLE", "Speed in cells per frame, if gliding or translating; else null"),
    Column("transient", "INTEGER", "First frame from which the rollout behaves as in its tail, from 0"),
    Column("mean_change", "DOUBLE", "Share of cells that change per step, mean over all steps, 0 to 1"),
    Column("tail_change", "DOUBLE", "Share of cells that change per step, mean over the last 128 frames, 0 to 1"),
    Column("early_change", "DOUBLE", "Share of cells that change per step, mean over the first 16 steps, 0 to 1"),
    Column("late_change", "DOUBLE", "Share of cells that change per step, mean from frame 100 on, 0 to 1"),
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
        "Direction across the wave's crests in degrees from right to down, 0 to 180; null if none stands out",
    ),
    Column("ground_share", "DOUBLE", "Share of a frame covered by its commonest token, mean over the tail, 1/32 to 1"),
    Column(
        "ground_still",
        "DOUBLE",
        "Share of the tail's frames with the same ground, 1/128 to 1; null if ground_share < 0.5",
    ),
    Column("objects", "DOUBLE", "Objects on the ground in a frame of the tail, 0 or more; null without a ground"),
    Column("object_size", "DOUBLE", "Mean number of cells of an object; null without objects"),
    Column("objects_in_place", "DOUBLE", "Chance that an object's cell is one at another time too, 0 to 1; else null"),
    Column("object_speed", "DOUBLE", "Speed of objects in cells per frame, 0 if in place; null if neither"),
    Column("synchrony", "DOUBLE", "Share of change in the tail explained by one renaming of the tokens, 0 to 1"),
    Column("traveling", "DOUBLE", "Share of change at the end that is carried from cell to cell, 0 to 1"),
    Column("streaming", "DOUBLE", "Share of change carried from cell to cell after opposite directions cancel, 0 to 1"),
    Column("token_entropy", "DOUBLE", "Shannon entropy of the tokens of all cells and frames, 0 to 5 bits"),
    Column("tail_entropy", "DOUBLE", "Shannon entropy of the tokens of a frame, mean over the tail, 0 to 5 bits"),
    Column("block_entropy", "DOUBLE", "Shannon entropy of the 2x2 blocks of 19 frames of the tail, 0 to 20 bits"),
    Column("conditional_entropy", "DOUBLE", "Entropy of a cell's token given its previous token, 0 to 5 bits"),
    *(
        Column(f"entropy_{frame}", "DOUBLE", f"Shannon entropy of frame {frame}'s tokens, 0 to 5 bits; null without it")
        for frame in ENTROPY_FRAMES
    ),
    Column("tokens_used", "SMALLINT", "Number of distinct tokens, 1 to 32"),
    Column("top_token", "SMALLINT", "Most frequent token, the lowest if tied, 0 to 31"),
    Column("top_token_share", "DOUBLE", "Share of the most frequent token in all cells and frames, 1/32 to 1"),
    Column("compression_ratio", "DOUBLE", "Compressed over raw size of the tokens in (t, y, x) order, zstd level 3"),
    Column(
        "student",
        "VARCHAR",
        f"Best counting student, with the shortest code: {', '.join(STUDENTS[:-1])} or {STUDENTS[-1]}",
    ),
    Column("noise_bits", "DOUBLE", "Bits per cell that stay noise to the best student after learning, 0 or more"),
    Column(
        "learnable_bits",
        "DOUBLE",
        "Bits per cell that the best student saves over mere token frequencies after learning, 0 to 5",
    ),
    Column(
        "epiplexity",
        "INTEGER",
        "Bits that the best student learns from up to 32,768 cells: structure, apart from noise",
    ),
    Column("difficulty", "VARCHAR", f"How much there is to learn: {', '.join(TIERS[:-1])} or {TIERS[-1]}"),
    Column("rhythm_prominence", "DOUBLE", "Greatest share of its fall that the lag-match curve recovers, 0 to 1"),
    *(
        Column(
            f"similarity_{start}_{lag}",
            "DOUBLE",
            f"Share of cells with the same token in frames {start} and {start + lag}, 0 to 1; null without the latter",
        )
        for start in SIMILARITY_STARTS
        for lag in SIMILARITY_LAGS
    ),
    Column("damage", "DOUBLE", "Share of cells that differ from the replica, mean over frames 96 to 111, 0 to 1"),
    Column("damage_independent", "DOUBLE", "The damage if those frames had their tokens in random places, 0 to 31/32"),
    Column("damage_speed", "DOUBLE", "Cells per frame at which damage got halfway to the far side; 0 if it never did"),
    Column("saturation", "DOUBLE", "Share of the hidden channels at the bounds, at frame 16, 0 to 1"),
    Column(
        "clear_tokens",
        "DOUBLE",
        "Share of cells whose nearest centroid's cosine is a tenth above the next one's, at frame 16, 0 to 1",
    ),
)
"""One row per rollout."""

IDENTITY = ("rollout_id", "set_name", "rollout_index", "shard", "digest")
"""What a row of labels says nothing without; other columns may be missing from parts of other releases."""


def label_columns(*names: str) -> tuple[Column, ...]:
    """The columns of these names, in the order given."""
    by_name = {column.name: column for column in LABEL_COLUMNS}
    return tuple(by_name[name] for name in names)


CURVE_COLUMNS = (
    *label_columns("rollout_id", "set_name", "rollout_index"),
    Column("cells", "INTEGER", "Cells of a frame"),
    Column("entropy", "USMALLINT[]", "Shannon entropy of the tokens of each frame, in units of 1/4096 bit"),
    Column("changed", "USMALLINT[]", "Cells of each frame that changed since the previous one (novelty); 0 at frame 0"),
    Column("differing", "USMALLINT[]", "Cells of each frame that differ from frame 0 (cumulative difference)"),
    Column("matching_100", "USMALLINT[]", "Cells of each frame from 100 on that match frame 100"),
)
"""One row per rollout, in the curve parts."""

CURVE_SUM_COLUMNS = (
    *label_columns("set_name"),
    Column("behavior", "VARCHAR", "Class"),
    Column("frame", "INTEGER", "Frame, from 0"),
    Column("rollouts", "INTEGER", "Rollouts of the class that have this frame"),
    Column("entropy", "DOUBLE", "Sum of the Shannon entropy of the frame's tokens, in bits"),
    Column("novelty", "DOUBLE", "Sum of the share of cells that changed since the previous frame"),
    Column("difference", "DOUBLE", "Sum of the share of cells that differ from frame 0"),
    Column("similarity_100", "DOUBLE", "Sum of the share of cells that match frame 100; 0 before it"),
)
"""One row per class and frame, in the parts that ``frame_curves`` sums up."""
