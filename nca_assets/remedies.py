"""Remedies for damaged files, worded for error messages."""

from __future__ import annotations

from nca_assets.ids import ShardKey

RESCORE = "run 'nca baselines' again"


def remake(key: ShardKey) -> str:
    """For a damaged file of shard ``key``."""
    if key.imported:
        return f"import {key} again with 'nca import shards FOLDER'"
    return f"materialize partition {key} of rollout_shards again"


def restore(key: ShardKey) -> str:
    """For missing or damaged tokens of shard ``key``."""
    return f"put it back, or {remake(key)}" if key.imported else remake(key)


def relabel(key: ShardKey) -> str:
    """For damaged labels of shard ``key``."""
    return f"materialize partition {key} of {'imported' if key.imported else 'behavior'}_labels again"
