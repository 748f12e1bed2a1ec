"""How many cells of the fixed grid an illuminated choice fills, as a ratio to a random choice of the same size.

Run: ``python benchmarks/illumination.py [--quick]``, or for an existing dataset ``--data FOLDER --size 10000``.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from pathlib import Path

from report import Metric, report

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources, load
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets.vocabulary.learn import learn_centroids
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.illumination import AXES, Illumination, coverage
from nca_assets.warehouse.sql_text import OWN_SETS

QUERY = f"SELECT rollout_id FROM labels WHERE {OWN_SETS}"

SEEDS = 3

STUDENT = 4.303
"""Student's t for a 95 % interval with two degrees of freedom."""

MEANINGS = {
    "rollouts": "rollouts to choose from",
    "size": "rollouts chosen",
    "cells_of_all": "cells of the 10,000 that hold any of them",
    "cells_illuminated": "cells that the illuminated choice fills",
    **{f"cells_at_random_{seed}": f"cells that a random choice fills, seed {seed}" for seed in range(SEEDS)},
    "gain": "cells of the illuminated choice over those of a random one, mean of the seeds",
    "gain_low": "lower end of its 95 % interval over the seeds",
    "gain_high": "upper end",
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rollouts; under 60 s on two cores")
    parser.add_argument("--data", type=Path, help="a dataset with a warehouse, instead of rollouts made for this")
    parser.add_argument("--size", type=int, help="rollouts to choose; default: a tenth")
    given = parser.parse_args()
    if given.data:
        metrics = measured(DataFolder.open(given.data), given.size)
    else:
        with tempfile.TemporaryDirectory() as folder:
            metrics = measured(made(Path(folder), 128 if given.quick else 1024), given.size)
    report(metrics, MEANINGS)


def made(folder: Path, shard_size: int) -> DataFolder:
    """A dataset with the first rollouts of each of the card's sets, labelled."""
    data = DataFolder.create(folder, Shape(shard_size=shard_size, sets=card_sets(500)))
    resources, centroids = load(Resources), learn_centroids()
    save_centroids(centroids, data, "learned")
    for key in (ShardKey(name, 0) for name in data.sets):
        write_shard(key, centroids, data, resources)
        write_labels(key, data, resources)
    build_warehouse(data)
    return data


def measured(data: DataFolder, size: int | None) -> list[Metric]:
    """Choose by illumination, and at random with each seed."""
    rollouts = len(whole_table(QUERY, data))
    size = size or rollouts // 10
    illuminated = coverage(QUERY, AXES, chosen(Illumination(size).query(), data), data)
    random = [coverage(QUERY, AXES, chosen(at_random(size, seed), data), data).filled for seed in range(SEEDS)]
    gains = [illuminated.filled / filled for filled in random]
    mean, half = statistics.mean(gains), STUDENT * statistics.stdev(gains) / math.sqrt(SEEDS)
    values = {
        "rollouts": (rollouts, "rollouts"),
        "size": (size, "rollouts"),
        "cells_of_all": (illuminated.occupied, "cells"),
        "cells_illuminated": (illuminated.filled, "cells"),
        **{f"cells_at_random_{seed}": (filled, "cells") for seed, filled in enumerate(random)},
        "gain": (mean, "ratio"),
        "gain_low": (mean - half, "ratio"),
        "gain_high": (mean + half, "ratio"),
    }
    return [Metric("illumination", name, value, unit) for name, (value, unit) in values.items()]


def chosen(query: str, data: DataFolder) -> list[str]:
    """The rollouts that an SQL query over ``answer`` chooses."""
    return whole_table(QUERY, data, query)["rollout_id"].to_list()


def at_random(size: int, seed: int) -> str:
    """SQL for a random choice of ``size`` rollouts."""
    return f"SELECT rollout_id FROM answer ORDER BY md5(rollout_id || ' {seed}') LIMIT {size}"


if __name__ == "__main__":
    main()
