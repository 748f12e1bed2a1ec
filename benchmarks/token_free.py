"""A shard without its tokens, simulated and labelled in one pass: its rate and its bytes.

Run: ``python benchmarks/token_free.py [--quick]``
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from report import Metric, report

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.recipe import Rule
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.labels.damage import REPLICA_FRAMES, flip_in_the_middle
from nca_assets.labels.metrics import measure_simulated
from nca_assets.progress import unwatched
from nca_assets.project import Project
from nca_assets.shards.manifest import read_manifest, rollout_digest
from nca_assets.shards.rollouts import regenerate
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets.vocabulary.learn import learn_centroids
from nca_assets.workers.stages import LABELS, SHARDS, Made, in_one_pass

MEANINGS = {
    "one_pass_ratio": "rate of a whole partition, its checks, picture and files included, over that of simulating and "
    "labelling the same rollouts in memory, one after the other",
    "one_pass_cpu_ratio": "the same by processor time, which the machine's other work disturbs less",
    "kept_ratio": "one_pass_ratio of a partition that keeps its tokens",
    "bytes_per_rollout": "manifest, labels and curve sums of a shard, without curves",
    "bytes_per_rollout_with_curves": "the same with the curves of single rollouts",
    "reproduced": "of ten random rollouts, those that give the manifest's digest again",
}

KEY = ShardKey("set1", 0)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="512 rollouts instead of 1,024, once; under 50 s on two cores"
    )
    count, rounds = (512, 1) if parser.parse_args().quick else (1024, 3)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(NCA_DATA=folder, NCA_SHARD_SIZE=str(count), NCA_DEVICE="cpu")
        save_centroids(learn_centroids(), Project.load().writable_data(), "learned")
        report(
            [Metric("token_free", name, value, unit(name)) for name, value in measure_all(count, rounds).items()],
            MEANINGS,
        )


def unit(name: str) -> str:
    """The unit of a metric."""
    return "x" if name.endswith("ratio") else "bytes" if name.startswith("bytes") else "count"


def measure_all(count: int, rounds: int) -> dict[str, float]:
    """Every metric, by its name."""
    make("none", "none")  # compiles
    alone = kept = dropped = (inf, inf)
    for _ in range(rounds):  # in turn, so that the machine's other work disturbs all alike
        alone = least(alone, in_memory)
        dropped = least(dropped, partial(make, "none", "none"))
        kept = least(kept, partial(make, "all", "none"))
    make("none", "none")
    without = size(Project.load())
    make("none", "all")
    return {
        "one_pass_ratio": alone[0] / dropped[0],
        "one_pass_cpu_ratio": alone[1] / dropped[1],
        "kept_ratio": alone[0] / kept[0],
        "bytes_per_rollout": without / count,
        "bytes_per_rollout_with_curves": size(Project.load()) / count,
        "reproduced": reproduced(count),
    }


def least(before: tuple[float, float], work: Callable[[], object]) -> tuple[float, float]:
    """The seconds and the processor seconds of ``work``, or of a run ``before`` if that took less."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return min(before[0], time.perf_counter() - started), min(before[1], time.process_time() - used)


def in_memory() -> None:
    """Simulate the shard's rollouts, then label them, and write nothing."""
    from nca_assets.vocabulary.centroids import load_centroids

    project = Project.load()
    data, machine, centroids = project.data, choose_machine(project.resources), load_centroids(project.data)
    rules = [data.rule(KEY.set, index) for index in data.rollout_indices(KEY)]
    movies = list(simulate_each(rules, centroids, 500, machine, lambda _, tokens: tokens))
    by_rule = {rule.scalars.index: movie for rule, movie in zip(rules, movies, strict=True)}

    def label(rule: Rule, replica: NDArray[np.uint8]) -> object:
        return measure_simulated(rule, by_rule[rule.scalars.index], replica, centroids)

    for _ in simulate_each(rules, centroids, REPLICA_FRAMES, machine, label, flip_in_the_middle):
        pass


def make(tokens: str, curves: str) -> None:
    """Make the partition as a run does, with its checks."""
    os.environ.update(NCA_KEEP_TOKENS=tokens, NCA_KEEP_CURVES=curves)
    project = Project.load()
    if project.data.manifest_file(KEY).exists() and read_manifest(KEY, project.data).tokens_kept != (tokens == "all"):
        remove(project)
    for stage in in_one_pass((SHARDS, LABELS), KEY, project):
        result = stage.make(KEY, project, unwatched)
        assert isinstance(result, Made), result
        assert result.sound


def remove(project: Project) -> None:
    """Remove the partition, since one that exists stays of its kind."""
    project.data.manifest_file(KEY).unlink()
    project.data.tokens_file(KEY).unlink(missing_ok=True)


def size(project: Project) -> int:
    """The bytes of the partition's files."""
    data = project.data
    files = (data.tokens_file, data.manifest_file, data.labels_file, data.curve_sums_file, data.curves_file)
    return sum(path.stat().st_size for file in files if (path := Path(str(file(KEY)))).exists())


def reproduced(count: int) -> int:
    """How many of ten random rollouts give their digest again."""
    project = Project.load()
    members = random.Random(0).sample(read_manifest(KEY, project.data).members, min(10, count))
    return sum(
        rollout_digest(regenerate(RolloutId(KEY.set, member.index), project.data, project.resources)) == member.digest
        for member in members
    )


if __name__ == "__main__":
    main()
