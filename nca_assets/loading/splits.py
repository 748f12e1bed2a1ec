"""The split of training, validation and test rollouts, computed from their ids alone."""

from __future__ import annotations

import hashlib

from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId

SPLITS = ("train", "validation", "test")


def split_of(rollout: RolloutId) -> str:
    """``train`` (80 %), ``validation`` (10 %) or ``test`` (10 %): the column ``by_rollout`` of the view ``splits``.

    It is decided by the first eight hexadecimal digits of the MD5 of the rollout's id, modulo 10.
    """
    tenth = int(hashlib.md5(str(rollout).encode()).hexdigest()[:8], 16) % 10  # noqa: S324 - no secret
    return {8: "validation", 9: "test"}.get(tenth, "train")


def require_split(name: str) -> None:
    """Raise ``NcaError`` if there is no split ``name``."""
    if name not in SPLITS:
        raise NcaError(f"there is no split {name!r}: use {', '.join(SPLITS)}")
