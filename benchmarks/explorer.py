"""The explorer's engine, in WebAssembly, against the package's own in one thread, on the same rollouts in one run.

wasmtime compiles WebAssembly much like a browser. Digests are included on both sides.

Run: ``python benchmarks/explorer.py [--quick]``
"""

from __future__ import annotations

import argparse

import numpy as np
from report import Metric, report, seconds

from nca_assets.automaton.compiled import simulate
from nca_assets.automaton.fixed_point import CHANNELS
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_rule
from nca_assets.automaton.shape import SHAPE_BLOCK
from nca_assets.shards.manifest import rollout_digest
from nca_assets.vocabulary.learn import fit_centroids
from nca_assets_tests.explorer.engine import Engine

MEANINGS = {
    "tokens_per_second": "in WebAssembly, one thread, on the recipe's mix of rules",
    "package_ratio": "tokens/s of the package in one thread over those of WebAssembly",
    "small_screens": "grids of 48 x 48 that it keeps moving at 60 frames/s",
}

POPULATION = Population(seed=1)
FRAMES = 100


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rollouts")
    indices = [block * SHAPE_BLOCK for block in range(6 if parser.parse_args().quick else 60)]
    centroids = fit_centroids(np.random.default_rng(0).normal(size=(4096, CHANNELS)))
    engine = Engine(centroids)

    def in_the_page() -> list[str]:
        digests = []
        for index in indices:
            engine.draw(POPULATION, index)
            engine.frames(FRAMES)
            digests.append(engine.digest)
        return digests

    def in_the_package() -> list[str]:
        return [rollout_digest(simulate(draw_rule(POPULATION, index), centroids, FRAMES)) for index in indices]

    assert in_the_page() == in_the_package()
    tokens = sum(FRAMES * height * width for height, width in (draw_rule(POPULATION, index).shape for index in indices))
    page, package = seconds(in_the_page), seconds(in_the_package)
    report(
        [
            Metric("explorer", "tokens_per_second", tokens / page, "tokens/s"),
            Metric("explorer", "package_ratio", page / package, "x"),
            Metric("explorer", "small_screens", tokens / page / (60 * 48 * 48), "count"),
        ],
        MEANINGS,
    )


if __name__ == "__main__":
    main()
