"""A check that simulating labeled rollouts today reproduces the tokens that were labeled."""

from __future__ import annotations

import polars as pl

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import OWN_NAME, ShardKey
from nca_assets.versions import RECIPE_VERSION
from nca_assets.warehouse.answer import whole_table


def require_same_recipe(rollouts: pl.DataFrame, data: DataFolder) -> None:
    """Raise ``NcaError`` if any of ``rollouts``, rows with set and shard, was labeled with a recipe version or
    vocabulary that is not current; its recipe would then give different tokens.

    Imported rollouts have no recipe and are skipped. Also raises ``NcaError`` if there is no vocabulary.
    """
    from nca_assets.vocabulary.centroids import digest, load_centroids

    vocabulary = digest(load_centroids(data))
    parts = whole_table("SELECT set_name, shard, recipe_version, centroids_digest FROM label_parts", data)
    others = parts.join(rollouts.select("set_name", "shard").unique(), on=["set_name", "shard"]).filter(
        pl.col("set_name").str.contains(f"^{OWN_NAME}$"),
        pl.col("recipe_version").ne_missing(RECIPE_VERSION) | pl.col("centroids_digest").ne_missing(vocabulary),
    )
    if len(others):
        set_name, shard, version, centroids = others.sort("set_name", "shard").row(0)
        raise NcaError(
            f"{len(others)} shards, like {ShardKey(set_name, shard)}, were labeled with recipe version {version} and "
            f"centroids {str(centroids)[:12]}…, but current are {RECIPE_VERSION} and {vocabulary[:12]}…: remake "
            "them ('nca backfill --stale'), or read the shards instead of the recipes"
        )
