"""Making shards without an orchestrator: the card's ``generate_local.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.progress import Progress
from nca_assets.settings import Resources
from nca_assets.shards.manifest import Manifest
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets.vocabulary.learn import learn_centroids

Shown = Callable[[str], AbstractContextManager[Progress]]
"""Shows the progress of something, given its name."""


def generate(
    keys: Iterable[ShardKey], data: DataFolder, resources: Resources, shown: Shown
) -> Iterator[tuple[ShardKey, Manifest]]:
    """Write shards ``keys`` under ``data``, each with its manifest; yields each when it is done.

    A missing vocabulary is learned first, with the same result everywhere. Raises ``NcaError`` if the folder holds
    shards of another size or length, or can't be written to.
    """
    if not data.centroids_file.exists():
        with shown("vocabulary") as progress:
            save_centroids(learn_centroids(progress), data, "learned")
    centroids = load_centroids(data)
    for key in keys:
        with shown(str(key)) as progress:
            manifest = write_shard(key, centroids, data, resources, progress)
        yield key, manifest
