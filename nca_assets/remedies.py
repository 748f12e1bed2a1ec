"""What to do about damaged files, as error messages say it."""

from __future__ import annotations

from nca_assets.ids import ShardKey

RESCORE = "run 'nca baselines' again"


def remake(key: ShardKey) -> str:
    """When a file of shard ``key`` is damaged."""
    if key.imported:
        return f"import {key} again with 'nca import shards FOLDER'"
    return f"materialize partition {key} of rollout_shards again"


def restore(key: ShardKey) -> str:
    """When the file of the tokens of shard ``key`` is missing or damaged."""
    return f"put it back, or {remake(key)}" if key.imported else remake(key)


def relabel(key: ShardKey) -> str:
    """When a file of the labels of shard ``key`` is damaged."""
    return f"materialize partition {key} of {'imported' if key.imported else 'behavior'}_labels again"
