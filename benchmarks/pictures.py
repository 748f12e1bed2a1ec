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

from nca_assets.figures.catalog import FIGURES
from nca_assets.figures.explorer import explored, write_explorer
from nca_assets.labels.write import write_labels
from nca_assets.naming import ShardKey, explorer_file, published_folder
from nca_assets.publishing.publish import publish
from nca_assets.settings import Settings
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
    "explorer_s": "time to write the explorer of 500 rollouts",
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
        settings = Settings(data=Path(folder) / "data", shard_size=SHARD_SIZE, frames=129, device="cpu")
        fill(settings, rollouts)
        times = [seconds(lambda figure=figure: figure.make(settings), repeats=1) for figure in FIGURES]
        began = time.perf_counter()
        explorer = write_explorer(explored(settings), explorer_file(settings.data))
        explored_in = time.perf_counter() - began
        began = time.perf_counter()
        published = publish(published_folder(settings.data), settings)
        published_in = time.perf_counter() - began
        shards = sum(file.stat().st_size for file in Path(str(settings.data)).glob("nca_dataset*/*.npz"))
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


def fill(settings: Settings, rollouts: int) -> None:
    """A data folder with shards, labels and a warehouse."""
    Path(str(settings.data)).mkdir()
    centroids = learn_centroids()
    save_centroids(centroids, settings.data, "learned")
    for number in tqdm(range(rollouts // SHARD_SIZE), desc="shards", disable=None):
        key = ShardKey(f"set{number % 3 + 1}", number // 3)
        write_shard(key, centroids, settings)
        write_labels(key, settings)
    build_warehouse(settings.data)


if __name__ == "__main__":
    main()
