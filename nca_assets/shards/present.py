"""Whether a shard is of the present recipe and vocabulary, so that its rollouts can be simulated again."""

from __future__ import annotations

from torch import Tensor

from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.remedies import remake
from nca_assets.shards.manifest import Manifest
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.centroids import digest


def require_present_inputs(key: ShardKey, manifest: Manifest, centroids: Tensor) -> None:
    """Raise ``NcaError`` if shard ``key`` was made by another recipe or with other ``centroids``."""
    remedy = remake(key)
    present = digest(centroids)
    if manifest.recipe_version != RECIPE_VERSION:
        raise NcaError(f"{key} is of recipe version {manifest.recipe_version}, this is {RECIPE_VERSION}: {remedy}")
    if manifest.centroids_digest != present:
        raise NcaError(
            f"{key} was made with centroids {manifest.centroids_digest[:12]}…, "
            f"the present ones are {present[:12]}…: {remedy}"
        )
