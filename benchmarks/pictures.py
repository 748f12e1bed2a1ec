"""What it takes to draw all figures and the explorer, and to write the dataset as it is published.

Run: ``python benchmarks/pictures.py [--quick]``

10,000 real, labelled rollouts of 129 frames (1,000 with ``--quick``). What figures read of tokens does not grow with
the number of rollouts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from report import Metric, report, seconds
from tqdm import tqdm

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.explorer.page import write_explorer
from nca_assets.explorer.selection import explored
from nca_assets.figures.catalog import FIGURES
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.publishing.publish import publish
from nca_assets.settings import Resources, load
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets.vocabulary.learn import learn_centroids
from nca_assets.warehouse.build import build_warehouse

ROLLOUTS = 10_000
SHARD_SIZE = 250

MEANINGS = {
    "rollouts": "labelled rollouts",
    "figures_s": "time to draw all figures, as PNG and SVG",
    "slowest_figure_s": "time of the slowest of them",
    "explorer_s": "time to write the explorer of 2,000 rollouts",
    "explorer_mb": "its size",
    "publish_s": "time to write the dataset as it is published",
    "publish_size_ratio": "its size over that of the shards",
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rollouts; under 50 s on two cores")
    rollouts = ROLLOUTS // 10 if parser.parse_args().quick else ROLLOUTS
    with tempfile.TemporaryDirectory() as folder:
        data = DataFolder.create(Path(folder) / "data", Shape(shard_size=SHARD_SIZE, sets=card_sets(frames=129)))
        fill(data, rollouts)
        times = [seconds(lambda figure=figure: figure.make(data), repeats=1) for figure in FIGURES]
        began = time.perf_counter()
        explorer = write_explorer(explored(data), data.explorer_file)
        explored_in = time.perf_counter() - began
        began = time.perf_counter()
        published = publish(data.published_folder, data)
        published_in = time.perf_counter() - began
        shards = sum(file.stat().st_size for file in Path(str(data.root)).glob("nca_dataset*/*.npz"))
    report(
        [
            Metric("pictures", "rollouts", rollouts, "count"),
            Metric("pictures", "figures_s", sum(times), "s"),
            Metric("pictures", "slowest_figure_s", max(times), "s"),
            Metric("pictures", "explorer_s", explored_in, "s"),
            Metric("pictures", "explorer_mb", explorer.bytes / 1e6, "MB"),
            Metric("pictures", "publish_s", published_in, "s"),
            Metric("pictures", "publish_size_ratio", published.bytes / shards, "x"),
        ],
        MEANINGS,
    )


def fill(data: DataFolder, rollouts: int) -> None:
    """A data folder with shards, labels and a warehouse."""
    resources = load(Resources).model_copy(update={"device": "cpu"})
    centroids = learn_centroids()
    save_centroids(centroids, data, "learned")
    for number in tqdm(range(rollouts // SHARD_SIZE), desc="shards", disable=None):
        key = ShardKey(f"set{number % 3 + 1}", number // 3)
        write_shard(key, centroids, data, resources)
        write_labels(key, data, resources)
    build_warehouse(data)


if __name__ == "__main__":
    main()
