"""What labels cost, as shares of the time that simulating the same rollouts takes on the CPU.

Run: ``python benchmarks/labels.py [--quick]``
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from report import Metric, report, seconds

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.recipe import Rule
from nca_assets.automaton.shape import SHAPE_BLOCK
from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.ids import ShardKey
from nca_assets.labels.damage import REPLICA_FRAMES, flip_in_the_middle
from nca_assets.labels.metrics import measure, measure_simulated
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources, load
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets.vocabulary.learn import learn_centroids

FRAMES = 500

MEANINGS = {
    "label_cost_share": "time of metrics, class and curves over that of simulating the rollouts",
    "replica_cost_share": "time that the damaged replicas and the states of frame 16 add, over the same",
    "label_part_share": "time of a whole label part, reading, verifying and writing included, over that of its shard",
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rollouts; under 50 s on two cores")
    count = 64 if parser.parse_args().quick else 256
    centroids = learn_centroids()
    with tempfile.TemporaryDirectory() as folder:
        data = DataFolder.create(Path(folder), Shape(shard_size=count, sets=card_sets(FRAMES)))
        resources = load(Resources).model_copy(update={"device": "cpu"})
        machine, key = choose_machine(resources), ShardKey("set1", 0)
        save_centroids(centroids, data, "learned")
        # One from each of as many blocks: shapes as they are spread over the whole set.
        rules = [data.rule(key.set, block * SHAPE_BLOCK) for block in range(count)]

        movies = list(simulate_each(rules, centroids, FRAMES, machine, lambda _, tokens: tokens))
        by_rule = {rule.scalars.index: movie for rule, movie in zip(rules, movies, strict=True)}

        def label_with_replica(rule: Rule, replica: NDArray[np.uint8]) -> object:
            return measure_simulated(rule, by_rule[rule.scalars.index], replica, centroids)

        def run(frames: int, work: object, flip: object = None) -> float:
            return seconds(lambda: list(simulate_each(rules, centroids, frames, machine, work, flip)))  # pyright: ignore[reportArgumentType]

        simulated = run(FRAMES, lambda _, tokens: tokens.size)
        with ThreadPoolExecutor(machine.threads) as pool:
            labelled = seconds(lambda: list(pool.map(measure, movies)))
        with_replica = run(REPLICA_FRAMES, label_with_replica, flip_in_the_middle)
        shard = seconds(lambda: write_shard(key, centroids, data, resources), repeats=2)
        part = seconds(lambda: write_labels(key, data, resources), repeats=2)
    report(
        [
            Metric("labels", "label_cost_share", labelled / simulated, "share"),
            Metric("labels", "replica_cost_share", (with_replica - labelled) / simulated, "share"),
            Metric("labels", "label_part_share", part / shard, "share"),
        ],
        MEANINGS,
    )


if __name__ == "__main__":
    main()
