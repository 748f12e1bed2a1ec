"""Loading for training: ours beside the ways that people load such data, each ratio from one run.

Run: ``python benchmarks/loader.py [--quick]``

All give batches of 64 samples of one grid from the same rollouts, on a warm page cache. Two floors and four peers:

- ``bin``: the fastest hand-written loader, ``numpy.take`` on the tokens of each grid in a memory-mapped ``.bin``, with
  all samples in random order. It is measured in turns with ours, per second of CPU time.
- grain, webdataset, litdata (if installed) and ``datasets``, as their documentation has it: rollouts are cut into
  samples, which the library batches. A sample is a single array and batches are stacked by NumPy, which is their
  fastest way. Ours and grain are shuffled; the others are measured both in order and with a shuffle buffer.

Peers are measured in processes of their own, with none and with two workers, in several rounds; the best counts.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl
import torch
from alone import alone, run
from peers import ALWAYS_SHUFFLED, BATCH, FRAMES, PEERS, Batches, again, bins, write_bins, write_peers
from report import Metric, report, seconds
from torch.utils.data import DataLoader

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.recipe import draw_rule
from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.loading.endless import EndlessRecipes
from nca_assets.loading.readers import Request, Tokens
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.streams import LONG_HORIZON, Stream
from nca_assets.loading.unpacked import read_unpacked
from nca_assets.settings import Resources
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets.vocabulary.learn import fit_centroids

SHARD_SIZE = 32
CPU = Resources(device="cpu")
TRANSITION = (0, 1)
MANY, FEW = 5_000_000, 1_000
"""Rows of the tables compared."""

MEANINGS = {
    "unpacked_bin_ratio": "transitions per CPU second from unpacked shards, over those of a hand-written .bin",
    "windows_bin_ratio": "the same for windows of five frames, 16 to 64 apart",
    "files_peer_ratio": "transitions per second from shards, over those of the best peer",
    "files_shuffled_peer_ratio": "the same with peers that shuffle, as ours does",
    "files_peer_cpu_ratio": "the same per second of CPU time, of all processes",
    "unpacked_peer_ratio": "transitions per second from unpacked shards, over those of the best peer; neither inflates",
    "workers_ratio": "transitions per second from shards, two workers over none",
    "processes_ratio": "the same, two processes of torch's DataLoader over none",
    "recipe_engine_share": "rollouts per second of the recipe stream, over those of the bare engine, on the CPU",
    "longest_stall_s": "longest wait for a batch of an endless recipe stream, over an epoch's end",
    "rows_cost_ratio": "CPU time of a batch with 5,000,000 rows in the table, over that with 1,000",
    "many_rows_open_s": "time to open a source of 5,000,000 rows, from its table to its stream",
    "many_rows_epoch_s": "time to the order of its next epoch",
    "first_batch_s": "time to the first batch from files, with the source opened",
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder", type=Path, help="keep the rollouts here, for another run")
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="loader-"))
    torch.set_num_threads(1)
    try:
        data = prepare(folder, shards=3 if chosen.quick else 32)
        report(list(measure(data, seconds=0.5 if chosen.quick else 3, rounds=1 if chosen.quick else 5)), MEANINGS)
    finally:
        if not chosen.folder:
            shutil.rmtree(folder)


def measure(data: DataFolder, seconds: float, rounds: int) -> Iterator[Metric]:
    """All metrics."""

    def metric(name: str, value: float, unit: str = "x") -> Metric:
        return Metric("loader", name, value, unit)

    source = RolloutSource.files(data)
    write_bins(data, source)
    write_peers(data, source)
    for name, offsets in (("unpacked_bin_ratio", TRANSITION), ("windows_bin_ratio", LONG_HORIZON)):
        mine = Stream(source.unpacked(), offsets, BATCH).forever()
        yield metric(name, in_turns((batch.tokens for batch in mine), bins(data, source, offsets), seconds))
    wall: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, contender in contenders(data, source).items():
            rates = alone(lambda c=contender: run(c(), seconds))
            for kept, rate in zip((wall, cpu), rates, strict=True):
                kept.setdefault(name, []).append(rate)
    for name, rates in wall.items():
        for unit, values in (("s", rates), ("cpu_s", cpu[name])):
            label = f"{name}_per_{unit}"
            MEANINGS[label] = f"transitions of {name.replace('_', ' ')} per second" + " of CPU time" * (unit == "cpu_s")
            yield metric(label, median(values), "1/s")
    peers, files = [name for name in wall if name.partition("_")[0] in PEERS], ["files_0", "files_2"]
    shuffled = [name for name in peers if name.endswith("_shuffled") or name.partition("_")[0] in ALWAYS_SHUFFLED]
    yield metric("files_peer_ratio", best(wall, files) / best(wall, peers))
    yield metric("files_shuffled_peer_ratio", best(wall, files) / best(wall, shuffled))
    yield metric("files_peer_cpu_ratio", best(cpu, files) / best(cpu, peers))
    yield metric("unpacked_peer_ratio", best(wall, ["unpacked"]) / best(wall, peers))
    yield metric("workers_ratio", median(wall["files_2"]) / median(wall["files_0"]))
    yield metric("processes_ratio", median(wall["files_processes_2"]) / median(wall["files_0"]))
    yield metric("first_batch_s", alone(lambda: first_batch(source)), "s")
    yield metric("recipe_engine_share", engine_share(data, turns=rounds), "share")
    yield metric("longest_stall_s", longest_stall(data), "s")
    few, _, _ = cost_by_rows(source, FEW, seconds)
    many, opened, ordered = cost_by_rows(source, MANY, seconds)
    yield metric("rows_cost_ratio", many / few)
    yield metric("many_rows_open_s", opened, "s")
    yield metric("many_rows_epoch_s", ordered, "s")


def best(rates: dict[str, list[float]], names: list[str]) -> float:
    """The highest median."""
    return max(median(rates[name]) for name in names)


def prepare(folder: Path, shards: int) -> DataFolder:
    """The rollouts as shards, unless they are there."""
    if (folder / "dataset.json").exists():
        return DataFolder.open(folder)
    data = DataFolder.create(folder, Shape(shard_size=SHARD_SIZE, sets=card_sets(frames=FRAMES)))
    vocabulary = fit_centroids(np.random.default_rng(0).normal(size=(4096, 16)))
    save_centroids(vocabulary, data, "imported from a benchmark")
    for number in range(shards):
        write_shard(ShardKey("set1", number), load_centroids(data), data, CPU)
    return data


def in_turns(ours: Batches, theirs: Batches, seconds: float, turns: int = 9) -> float:
    """How many samples ours gives for one of theirs: the median of short turns, in CPU time."""
    rates: list[list[float]] = [[], []]
    for batches in (ours, theirs):  # an epoch's worth of opening and first pages
        cpu_rate(batches, seconds / 2)
    for _ in range(turns):
        for batches, kept in zip((ours, theirs), rates, strict=True):
            kept.append(cpu_rate(batches, seconds / turns))
    return median(rates[0]) / median(rates[1])


def cpu_rate(batches: Batches, seconds: float) -> float:
    """Samples per second of this process's CPU time."""
    began, taken = time.process_time(), 0
    while (now := time.process_time()) - began < seconds:
        taken += sum(len(batch) for batch in islice(batches, 50))
    return taken / (now - began)


def contenders(data: DataFolder, source: RolloutSource) -> dict[str, Callable[[], Batches]]:
    """Ours from files and the peers, with their numbers of workers. Opened before a fork, as Polars needs it."""
    stream = source.transitions(BATCH)
    next(iter(stream))  # loads the compiled code before a fork
    ours: dict[str, Callable[[], Batches]] = {
        f"files_{workers}": lambda w=workers: (batch.tokens for loader in [stream.loader(w)] for batch in again(loader))
        for workers in (0, 2)
    }
    ours["files_processes_2"] = lambda: (
        batch.tokens
        for batch in again(DataLoader(stream, batch_size=None, num_workers=2))  # pyright: ignore[reportArgumentType]
    )
    unpacked = source.unpacked().transitions(BATCH)
    ours["unpacked"] = lambda: (batch.tokens for batch in unpacked.forever())
    for name, peer in PEERS.items():
        if find_spec(name):
            ours |= {f"{name}_{workers}": lambda p=peer, w=workers: p(data, source, w) for workers in (0, 2)}
            if name not in ALWAYS_SHUFFLED:
                ours[f"{name}_shuffled"] = lambda p=peer: p(data, source, workers=0, shuffled=True)
    return ours


def first_batch(source: RolloutSource) -> float:
    """Seconds to the first batch."""
    return seconds(lambda: next(iter(source.transitions(BATCH))), 1)


def engine_share(data: DataFolder, turns: int) -> float:
    """Seconds that the bare engine takes for some rollouts, over those of a stream's epoch of all their transitions,
    once its memory has stopped growing: the median of turns."""
    machine, centroids = choose_machine(CPU), load_centroids(data)
    set1, count, epochs = data.sets["set1"], 8 * SHARD_SIZE, 3
    stream = RolloutSource.recipes("set1", range(count), data, CPU).transitions(BATCH)

    def engine() -> None:
        rules = (draw_rule(set1.population, index) for index in range(count))
        for _ in simulate_each(rules, centroids, set1.frames, machine, lambda _, tokens: tokens):
            pass

    def epoch(batches: Batches) -> None:
        for _ in islice(batches, len(stream)):
            pass

    def share() -> float:
        batches = stream.forever()
        epoch(batches)
        ours = sum(seconds(partial(epoch, batches), 1) for _ in range(epochs))
        del batches  # its threads
        return sum(seconds(engine, 1) for _ in range(epochs)) / ours

    return median(share() for _ in range(turns))


def longest_stall(data: DataFolder) -> float:
    """The longest wait for a batch, in seconds, from shortly before an epoch's end to shortly after it."""
    stream = EndlessRecipes("set1", data, split="train", resources=CPU).transitions(BATCH, rollouts_open=128)
    batches = stream.at(0, len(stream) - 600).forever()
    next(batches)
    waits: list[float] = []
    for _ in range(1000):
        began = time.perf_counter()
        next(batches)
        waits.append(time.perf_counter() - began)
    return max(waits)


def cost_by_rows(source: RolloutSource, rows: int, seconds: float) -> tuple[float, float, float]:
    """CPU seconds of a batch, with a table of so many ``rows``; and the seconds to open it, and to order an epoch.

    All of them are read from the same unpacked rollouts.
    """
    table, period = source.table.head(FEW), 1024
    copies = -(-rows // len(table))
    number = np.repeat(np.arange(copies), len(table))[:rows]
    index = np.tile(table["rollout_index"].to_numpy(), copies)[:rows] + number * period
    tiled = (
        pl.concat([table] * copies)
        .head(rows)
        .with_columns(rollout_index=pl.Series(index, dtype=table.schema["rollout_index"]))
    )

    def reader(wanted: Iterable[Request], data: DataFolder, resources: Resources) -> Iterator[Tokens | Any]:
        same = (replace(one, rollout=RolloutId(one.rollout.set, one.rollout.index % period)) for one in wanted)
        return read_unpacked(same, data, resources)

    began = time.perf_counter()
    stream = RolloutSource(tiled, reader, source.data).transitions(BATCH)
    opened = time.perf_counter() - began
    began = time.perf_counter()
    stream.at(1)
    ordered = time.perf_counter() - began
    batches = (batch.tokens for batch in stream.forever())
    cpu_rate(batches, seconds)
    return BATCH / median(cpu_rate(batches, seconds / 3) for _ in range(5)), opened, ordered


if __name__ == "__main__":
    main()
