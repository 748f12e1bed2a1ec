"""Token sequences for language models: the stream's rate beside that of copying it, and of reading rollouts alone.

Run: ``python benchmarks/sequences.py [--quick]``
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from loader import CPU
from report import Metric, report, seconds

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.ids import ShardKey
from nca_assets.loading.readers import read_recipes
from nca_assets.loading.source import RolloutSource
from nca_assets.sequences.files import write_sequences
from nca_assets.sequences.stream import Sequences
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets.vocabulary.learn import fit_centroids

MEANINGS = {
    "tokens": "tokens of the sequences",
    "memcpy_tokens_per_s": "tokens per second, copied sequence by sequence",
    "unpacked_memcpy_ratio": "tokens per second of the stream from unpacked shards, over memcpy's",
    "files_read_share": "seconds to read the rollouts alone, over those of the stream; from shards",
    "recipes_read_share": "the same, from recipes",
    "written_share": "seconds of the stream, over those of writing it to files",
    "control_share": "seconds of the stream, over those of its shuffled control",
    "complexity_share": "seconds of the stream, over those of one that measures the complexity of every span",
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    folder = Path(tempfile.mkdtemp(prefix="sequences-"))
    try:
        report(measure(prepare(folder, shards=1 if parser.parse_args().quick else 8), folder), MEANINGS)
    finally:
        shutil.rmtree(folder)


def prepare(folder: Path, shards: int) -> RolloutSource:
    """Shards of 32 rollouts."""
    data = DataFolder.create(folder / "data", Shape(shard_size=32, sets=card_sets(frames=500)))
    save_centroids(fit_centroids(np.random.default_rng(0).normal(size=(4096, 16))), data, "imported from a benchmark")
    for number in range(shards):
        write_shard(ShardKey("set1", number), load_centroids(data), data, CPU)
    return RolloutSource.files(data)


def measure(source: RolloutSource, folder: Path) -> list[Metric]:
    """All metrics."""
    files = Sequences(source)
    texts = [sequence.text for sequence in files.epoch()]
    into = np.empty_like(texts[0])

    def memcpy() -> None:
        for text in texts:
            np.copyto(into, text)

    unpacked = replace(files, source=source.unpacked())
    recipes = replace(files, source=RolloutSource(source.table, read_recipes, source.data, CPU))
    copied, streamed = seconds(memcpy), seconds(consumed(unpacked))
    shares = {
        "unpacked_memcpy_ratio": copied / streamed,
        "files_read_share": seconds(read(files)) / seconds(consumed(files)),
        "recipes_read_share": seconds(read(recipes)) / seconds(consumed(recipes)),
        "written_share": streamed / seconds(lambda: write_sequences(unpacked, folder / "out")),
        "control_share": streamed / seconds(consumed(replace(unpacked, shuffled=True))),
        "complexity_share": streamed / seconds(consumed(replace(unpacked, complexity=(0, 9)))),
    }
    tokens = len(texts) * files.length
    return [
        Metric("sequences", "tokens", tokens, "1"),
        Metric("sequences", "memcpy_tokens_per_s", tokens / copied, "1/s"),
        *(Metric("sequences", name, value, "x") for name, value in shares.items()),
    ]


def consumed(sequences: Sequences) -> Callable[[], None]:
    """Takes all sequences of an epoch."""

    def take() -> None:
        for _ in sequences.epoch():
            pass

    return take


def read(sequences: Sequences) -> Callable[[], None]:
    """Reads the same rollouts."""

    def take() -> None:
        for _ in sequences.source.read(sequences.positions):
            pass

    return take


if __name__ == "__main__":
    main()
