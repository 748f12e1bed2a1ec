"""Frame transitions for training: ours from files and from recipes, beside the ways that people load such data.

Run: ``python benchmarks/loader.py [--quick]``

Every contender gives shuffled or unshuffled batches of 64 transitions over the same rollouts, in a process of its own.
The peers are written as their documentation has it: sample by sample, batched by the library. They need not shuffle
between rollouts, since their batches could not hold several shapes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import polars as pl
import psutil
import torch
import webdataset as wds
from numpy.typing import NDArray
from report import Metric, report
from torch.utils.data import DataLoader, Dataset

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.recipe import draw_rule
from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.ids import ShardKey
from nca_assets.loading.source import RolloutSource
from nca_assets.settings import Resources
from nca_assets.shards.manifest import read_manifest
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets.vocabulary.learn import fit_centroids

BATCH = 64
SHARD_SIZE = 32
CPU = Resources(device="cpu")

MEANINGS = {
    "best_peer_ratio": "transitions per second of our fastest file source, over those of the best peer",
    "recipe_engine_share": "rollouts per second of the recipe source, over those of the bare engine, on the CPU",
    "first_batch_s": "time to the first batch from files, with the source opened",
}

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    folder = Path(tempfile.mkdtemp(prefix="loader-"))
    try:
        data = prepare(folder, shards=3 if quick else 32)
        report(measure(data, seconds=0.8 if quick else 6), MEANINGS)
    finally:
        shutil.rmtree(folder)


def measure(data: DataFolder, seconds: float) -> list[Metric]:
    """All metrics."""
    metrics: list[Metric] = []
    rates: dict[str, list[float]] = {}
    for name, contender in CONTENDERS.items():
        for workers in (0, 2):
            # Opened here: in a process that was forked, Polars must not compute anything.
            batches = contender(data, workers)
            measured = alone(lambda b=batches: run(b, seconds))
            rates.setdefault(name, []).append(measured["transitions_per_s"])
            for metric, unit in (("transitions_per_s", "1/s"), ("tokens_per_s", "1/s"), ("first_s", "s"), ("mb", "MB")):
                label = f"{name}_{workers}_workers_{metric}"
                MEANINGS[label] = f"{name}, {workers} workers"
                metrics.append(Metric("loader", label, measured[metric], unit))
    ours = [max(rates[name]) for name in ("files", "unpacked")]
    peers = [max(rates[name]) for name in ("numpy_load", "hf_datasets", "webdataset")]
    engine, stream = simulate_both(data)
    return [
        *metrics,
        Metric("loader", "best_peer_ratio", max(ours) / max(peers), "x"),
        Metric("loader", "recipe_engine_share", engine / stream, "share"),
        Metric("loader", "first_batch_s", named(metrics, "files_0_workers_first_s"), "s"),
    ]


def named(metrics: list[Metric], name: str) -> float:
    """The value of a metric."""
    return next(metric.value for metric in metrics if metric.metric == name)


def prepare(folder: Path, shards: int) -> DataFolder:
    """The same rollouts as shards, as Parquet and as a tar file."""
    data = DataFolder.create(folder, Shape(shard_size=SHARD_SIZE, sets=card_sets(frames=500)))
    vocabulary = fit_centroids(np.random.default_rng(0).normal(size=(4096, 16)))
    save_centroids(vocabulary, data, "imported from a benchmark")
    rows: list[dict[str, Any]] = []
    with wds.writer.TarWriter(str(folder / "rollouts.tar")) as tar:
        for number in range(shards):
            write_shard(ShardKey("set1", number), load_centroids(data), data, CPU)
        for rollout in RolloutSource.files(data):
            tokens = np.ascontiguousarray(rollout.tokens)
            tar.write({"__key__": str(rollout.id).replace("/", "_"), "npy": tokens})
            rows.append({"shape": tokens.shape, "tokens": tokens.tobytes()})
    pl.DataFrame(rows).write_parquet(folder / "rollouts.parquet", row_group_size=16)
    return data


def files(data: DataFolder, workers: int) -> Iterable[Any]:
    """Ours, from shards."""
    return loaded(RolloutSource.files(data), workers)


def unpacked(data: DataFolder, workers: int) -> Iterable[Any]:
    """Ours, from unpacked shards."""
    return loaded(RolloutSource.files(data).unpacked(), workers)


def recipes(data: DataFolder, workers: int) -> Iterable[Any]:
    """Ours, from recipes."""
    return loaded(RolloutSource.recipes("set1", range(len(RolloutSource.files(data))), data, CPU), workers)


def loaded(source: RolloutSource, workers: int) -> Iterable[Any]:
    """The stream's batches, by worker processes if there are any."""
    stream = source.transitions(batch_size=BATCH)
    return DataLoader(stream, batch_size=None, num_workers=workers) if workers else stream


class PlainDataset(Dataset[Pair]):
    """What one writes first: a transition a sample, each read by ``numpy.load``."""

    def __init__(self, data: DataFolder) -> None:
        self.frames = data.sets["set1"].frames - 1
        self.members = [
            (data.tokens_file(key), f"rollout_{member.index:06d}")
            for key in (ShardKey("set1", n) for n in range(len(data.shards())))
            for member in read_manifest(key, data).members
        ]

    def __len__(self) -> int:
        return len(self.members) * self.frames

    def __getitem__(self, position: int) -> Pair:
        rollout, frame = divmod(position, self.frames)
        file, member = self.members[rollout]
        with np.load(str(file), allow_pickle=False) as shard:
            tokens = shard[member]
        return tokens[frame], tokens[frame + 1]


def numpy_load(data: DataFolder, workers: int) -> Iterable[Any]:
    """A plain dataset of ``numpy.load``, with batches within blocks of one shape, in random order."""
    dataset, chance = PlainDataset(data), np.random.default_rng(0)
    per_block = 32 * dataset.frames
    blocks = chance.permutation(len(dataset) // per_block)
    batches = [chance.choice(per_block, BATCH) + block * per_block for block in np.resize(blocks, 1000)]
    return DataLoader(dataset, batch_sampler=[batch.tolist() for batch in batches], num_workers=workers)


def pairs(tokens: NDArray[np.uint8]) -> Iterator[Pair]:
    """The transitions of a rollout, as many as make whole batches."""
    for frame in range((len(tokens) - 1) // BATCH * BATCH):
        yield tokens[frame], tokens[frame + 1]


def hf_datasets(data: DataFolder, workers: int) -> Iterable[Any]:
    """Hugging Face ``datasets`` streaming the rollouts from Parquet."""

    def unroll(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
        [tokens], [shape] = rows["tokens"], rows["shape"]
        frame, following = zip(*pairs(np.frombuffer(tokens, np.uint8).reshape(shape)), strict=True)
        return {"frame": list(frame), "next": list(following)}

    # Unrolled by a generator rather than by map, which would convert each frame to Arrow and back.
    stream = datasets.load_dataset(
        "parquet", data_files=str(data / "rollouts.parquet"), split="train", streaming=True,
        cache_dir=str(data / "cache"),
    )  # fmt: skip

    class Transitions(torch.utils.data.IterableDataset[Pair]):
        def __iter__(self) -> Iterator[Pair]:
            for row in stream:
                unrolled = unroll({name: [value] for name, value in row.items()})
                yield from zip(unrolled["frame"], unrolled["next"], strict=True)

    return DataLoader(Transitions(), batch_size=BATCH, num_workers=min(workers, 1))


def web_dataset(data: DataFolder, workers: int) -> Iterable[Any]:
    """webdataset, with a tar file of ``.npy`` members."""

    def unroll(samples: Iterable[dict[str, Any]]) -> Iterator[Pair]:
        for sample in samples:
            yield from pairs(sample["npy"])

    archive = wds.compat.WebDataset(str(data / "rollouts.tar"), shardshuffle=False, empty_check=False)
    piped = archive.decode().compose(unroll).batched(BATCH)
    # One tar file is for one worker.
    return wds.compat.WebLoader(piped, batch_size=None, num_workers=1) if workers else piped


CONTENDERS: dict[str, Callable[[DataFolder, int], Iterable[Any]]] = {
    "files": files,
    "unpacked": unpacked,
    "recipes": recipes,
    "numpy_load": numpy_load,
    "hf_datasets": hf_datasets,
    "webdataset": web_dataset,
}


def run(batches: Iterable[Any], seconds: float) -> dict[str, float]:
    """Take batches for a while to see what memory they need, then for ``seconds`` to see how fast they come.

    Not both at once: looking at memory holds up who uses it. Rates do not count what comes before the first batch.
    """
    began = time.perf_counter()
    for _ in batches:
        break
    first = time.perf_counter() - began
    peak = PeakMemory()
    take(batches, seconds / 4)
    most = peak.stop()
    counted, tokens, taken = take(batches, seconds)
    return {
        "transitions_per_s": counted / taken, "tokens_per_s": tokens / taken, "first_s": first, "mb": most / 1e6,
    }  # fmt: skip


def take(batches: Iterable[Any], seconds: float) -> tuple[int, int, float]:
    """Transitions and their tokens that came in some seconds after the first batch, epoch after epoch, and the time."""
    first, counted, tokens, now = None, 0, 0, 0.0
    while first is None or now - first < seconds:
        for batch in batches:
            now = time.perf_counter()
            if first is None:
                first = now
                continue
            there = batch.tokens if hasattr(batch, "tokens") else batch[0]
            counted += len(there)
            tokens += 2 * len(there) * int(np.prod(there.shape[-2:]))
            if now - first >= seconds:
                break
    return counted, tokens, now - first


class PeakMemory:
    """The most memory of its own that this process and its children got, in bytes."""

    def __init__(self) -> None:
        self.before, self.most, self.stopped = self._now(), 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        while not self.stopped.wait(0.1):
            self.most = max(self.most, self._now() - self.before)

    def _now(self) -> int:
        this, total = psutil.Process(), 0
        for process in [this, *this.children(recursive=True)]:
            try:
                total += process.memory_full_info().uss
            except psutil.Error:
                continue
        return total

    def stop(self) -> int:
        """End watching; returns the most."""
        self.stopped.set()
        self.thread.join()
        return self.most


def simulate_both(data: DataFolder) -> tuple[float, float]:
    """Seconds for two blocks of rollouts: of the bare engine, and of a stream of their transitions."""
    machine, centroids = choose_machine(CPU), load_centroids(data)
    set1, count = data.sets["set1"], 2 * SHARD_SIZE

    def engine() -> None:
        rules = (draw_rule(set1.population, index) for index in range(count))
        for _ in simulate_each(rules, centroids, set1.frames, machine, lambda _, tokens: tokens):
            pass

    def stream() -> None:
        for _ in RolloutSource.recipes("set1", range(count), data, CPU).transitions(batch_size=BATCH):
            pass

    times = {engine: [], stream: []}
    for _ in range(3):
        for work, taken in times.items():
            began = time.perf_counter()
            work()
            taken.append(time.perf_counter() - began)
    return min(times[engine]), min(times[stream])


def alone(work: Callable[[], Any]) -> Any:
    """What ``work`` returns, run in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_send, args=(work, theirs))
    process.start()
    theirs.close()
    result = ours.recv()
    process.join()
    return result


def _send(work: Callable[[], Any], to: Connection) -> None:
    torch.set_num_threads(2)
    to.send(work())


if __name__ == "__main__":
    main()
