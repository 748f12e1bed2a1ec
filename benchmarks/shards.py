"""Writing and reading shards against ``np.savez_compressed`` of the same rollouts, and its share of the whole job.

Run: ``python benchmarks/shards.py [--quick]``
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import Metric, report, seconds

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import Rule, draw_rule
from nca_assets.automaton.shape import SHAPE_BLOCK
from nca_assets.ids import member_name
from nca_assets.settings import Resources, load
from nca_assets.shards.members import PackedRollout, pack, write_members
from nca_assets.vocabulary.learn import fit_centroids

FRAMES = 500

MEANINGS = {
    "write_ratio": "MB/s of tokens digested, deflated and written, ours over np.savez_compressed",
    "size_ratio": "bytes of the file, ours over np.savez_compressed's",
    "read_ratio": "time of plain np.load over all members, ours over np.savez_compressed's",
    "end_to_end_share": "time of simulating alone over simulating, digesting, compressing and writing",
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rollouts; under 50 s on two cores")
    count = 64 if parser.parse_args().quick else 256
    machine = choose_machine(load(Resources))
    centroids = fit_centroids(np.random.default_rng(0).normal(size=(4096, 16)))
    # One from each of as many blocks: shapes as they are spread over the whole set.
    rules = [draw_rule(Population(1), block * SHAPE_BLOCK) for block in range(count)]

    def simulated(work: Callable[[Rule, NDArray[np.uint8]], Any]) -> Iterator[Any]:
        return simulate_each(rules, centroids, FRAMES, machine, work)

    made = list(simulated(lambda rule, tokens: (rule.scalars.index, tokens)))
    arrays = {member_name(index): tokens for index, tokens in made}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(machine.threads) as pool:
        ours, theirs = Path(folder) / "ours.npz", Path(folder) / "theirs.npz"

        def write_ours(packed: Iterable[PackedRollout]) -> None:
            with ours.open("wb") as file:
                write_members(packed, file)

        ours_written, theirs_written = in_turns(
            lambda: write_ours(pool.map(pack, *zip(*made, strict=True))),
            lambda: np.savez_compressed(theirs, allow_pickle=False, **arrays),
        )
        ours_read, theirs_read = in_turns(lambda: read_all(ours), lambda: read_all(theirs))
        sizes = ours.stat().st_size / theirs.stat().st_size
        alone, whole = in_turns(
            lambda: sum(simulated(lambda _, tokens: tokens.size)),
            lambda: write_ours(simulated(lambda rule, tokens: pack(rule.scalars.index, tokens))),
        )
    report(
        [
            Metric("shards", "write_ratio", theirs_written / ours_written, "x"),
            Metric("shards", "size_ratio", sizes, "x"),
            Metric("shards", "read_ratio", ours_read / theirs_read, "x"),
            Metric("shards", "end_to_end_share", alone / whole, "share"),
        ],
        MEANINGS,
    )


def in_turns(*works: Callable[[], object]) -> list[float]:
    """The shortest time of each, in seconds, run in turns so that the machine's other work disturbs them alike."""
    return [min(times) for times in zip(*([seconds(work, 1) for work in works] for _ in range(3)), strict=True)]


def read_all(file: Path) -> int:
    """Every member of an ``.npz``, by plain NumPy; returns the tokens read."""
    with np.load(file, allow_pickle=False) as shard:
        return sum(shard[name].size for name in shard)


if __name__ == "__main__":
    main()
