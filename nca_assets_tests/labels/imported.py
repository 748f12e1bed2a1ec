"""An imported set beside ours, labelled, in a warehouse."""

from pathlib import Path

import numpy as np

from nca_assets.data_folder import DataFolder
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources, load
from nca_assets.shards.imported import register, shard_keys
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.labels import movies


def build_with_noise(data: DataFolder, folder: Path) -> None:
    """Import a movie of noise as the set ``life``, label it, and build the warehouse."""
    (folder / "others").mkdir()
    np.savez(folder / "others" / "life.npz", noise=movies.noise(), allow_pickle=False)
    for key, file in shard_keys(folder / "others", "life", data).items():
        register(key, file, data)
        write_labels(key, data, load(Resources))
    build_warehouse(data)
