"""What is on disk, counted by set."""

from __future__ import annotations

from dataclasses import dataclass

from nca_assets.naming import SETS, materialized_labels, materialized_shards
from nca_assets.settings import Settings
from nca_assets.shards.manifest import read_manifest


@dataclass(frozen=True)
class SetInventory:
    """Counts of one set: shards with a manifest, shards with a label part, and the size of the former."""

    set: str
    shards: int
    labelled: int
    rollouts: int
    tokens: int
    file_bytes: int


def take_inventory(settings: Settings) -> list[SetInventory]:
    """The inventory of every set under ``settings.data``. Raises ``NcaError`` if a manifest is damaged."""
    shards, labelled = materialized_shards(settings.data), materialized_labels(settings.data)
    inventory = []
    for name in SETS:
        manifests = [read_manifest(key, settings.data) for key in shards if key.set == name]
        inventory.append(
            SetInventory(
                set=name,
                shards=len(manifests),
                labelled=sum(key.set == name for key in labelled),
                rollouts=sum(len(manifest.members) for manifest in manifests),
                tokens=sum(manifest.tokens for manifest in manifests),
                file_bytes=sum(manifest.file_bytes for manifest in manifests),
            )
        )
    return inventory
