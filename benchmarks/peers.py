"""Baselines of ``loader.py``: a hand-written loader of ``.bin`` files, and other libraries' loaders.

Each gives batches of ``BATCH`` transitions of one grid from the same rollouts, as its documentation has it. Read in
order, a batch has neighboring transitions of one rollout. With ``shuffled``, transitions pass through webdataset's
shuffle buffer, the fastest of these libraries', and are then batched by grid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, IterableDataset

from nca_assets.data_folder import DataFolder
from nca_assets.loading.source import RolloutSource

BATCH = 64
FRAMES = 500
BUFFER = 8192
"""Size of the shuffle buffer in samples, those of some 16 rollouts: the smaller, the faster."""

Array = NDArray[np.uint8]
Batches = Iterator[Any]
"""Batches of samples, epoch after epoch."""


def of_grids(source: RolloutSource) -> dict[tuple[int, int], list[int]]:
    """The positions of each grid."""
    grids: dict[tuple[int, int], list[int]] = {}
    for position, (height, width) in enumerate(source.places[:, 4:].tolist()):
        grids.setdefault((height, width), []).append(position)
    return grids


def bin_file(data: DataFolder, height: int, width: int) -> Path:
    """The tokens of all rollouts of a grid."""
    return Path(str(data.root)) / "bins" / f"{height}x{width}.bin"


def write_bins(data: DataFolder, source: RolloutSource) -> None:
    """Write the ``.bin`` of each grid, unpacking all shards on the way."""
    for (height, width), positions in of_grids(source).items():
        file = bin_file(data, height, width)
        file.parent.mkdir(exist_ok=True)
        with file.open("wb") as opened:
            for tokens in source.unpacked().read(positions):
                opened.write(np.ascontiguousarray(tokens).data)


def write_peers(data: DataFolder, source: RolloutSource) -> None:
    """Write the peers' files: two of each kind, for two workers. Not in a fork, where Polars must not compute."""
    import webdataset as wds

    root = Path(str(data.root))
    arrays = [np.ascontiguousarray(rollout.tokens) for rollout in source]
    for part in range(2):
        with wds.writer.TarWriter(str(root / f"{part}.tar")) as tar:
            for number, array in enumerate(arrays[part::2]):
                tar.write({"__key__": f"{number:06d}", "npy": array})
        rows = [{"shape": array.shape, "tokens": array.tobytes()} for array in arrays[part::2]]
        pl.DataFrame(rows).write_parquet(root / f"{part}.parquet", row_group_size=16)
    if find_spec("litdata") and not (root / "litdata").exists():
        from litdata.streaming.writer import BinaryWriter  # pyright: ignore[reportMissingImports]

        writer = BinaryWriter(str(root / "litdata"), chunk_bytes="64MB")
        for number, array in enumerate(arrays):
            writer[number] = array
        writer.done()
        writer.merge()


def bins(data: DataFolder, source: RolloutSource, offsets: tuple[int, ...]) -> Batches:
    """By hand: an epoch is a random order of all samples of each grid, and of all batches."""
    chance, frames = np.random.default_rng(0), np.array(offsets)
    maps = [np.memmap(bin_file(data, h, w), np.uint8, "r").reshape(-1, h, w) for h, w in of_grids(source)]
    starts = FRAMES - offsets[-1]
    while True:
        batches: list[tuple[Array, NDArray[np.int64]]] = []
        for tokens in maps:
            order = chance.permutation(len(tokens) // FRAMES * starts)
            first = order // starts * FRAMES + order % starts
            batches += [(tokens, first[at : at + BATCH]) for at in range(0, len(first), BATCH)]
        for number in chance.permutation(len(batches)):
            tokens, first = batches[number]
            yield torch.from_numpy(tokens.take(first[:, None] + frames, axis=0))


def again(loader: Iterable[Any]) -> Batches:
    """Epoch after epoch."""
    while True:
        yield from loader


def samples(tokens: Array) -> Iterator[Array]:
    """The transitions of a rollout, as many as make whole batches: arrays (2, height, width)."""
    for frame in range((len(tokens) - 1) // BATCH * BATCH):
        yield tokens[frame : frame + 2]


def stacked(of_batch: list[Array]) -> torch.Tensor:
    """A batch, stacked by NumPy, which is faster than torch for many small arrays."""
    return torch.from_numpy(np.stack(of_batch))


class Cut(IterableDataset[Array]):
    """The samples of rollouts that come one after another, of which each worker takes its own."""

    def __init__(self, rollouts: Callable[[], Iterable[Array]]) -> None:
        self.rollouts = rollouts

    def __iter__(self) -> Iterator[Array]:
        for tokens in self.rollouts():
            yield from samples(tokens)


def batched(rollouts: Callable[[], Iterable[Array]], workers: int, shuffled: bool) -> Batches:
    """Batches of rollouts' samples by torch's loader."""
    if shuffled:
        return again(DataLoader(Shuffled(rollouts), batch_size=None, num_workers=workers))
    return again(DataLoader(Cut(rollouts), batch_size=BATCH, num_workers=workers, collate_fn=stacked))


class Shuffled(Cut):
    """The same in random order, as batches."""

    def __iter__(self) -> Iterator[Any]:
        yield from map(torch.from_numpy, of_one_grid(super().__iter__()))


def of_one_grid(in_order: Iterator[Array]) -> Iterator[Array]:
    """Whole batches of shuffled samples, each of one grid."""
    import webdataset as wds

    waiting: dict[tuple[int, ...], list[Array]] = defaultdict(list)
    for sample in wds.filters.shuffle(BUFFER, initial=BUFFER)(in_order):
        alike = waiting[sample.shape]
        alike.append(sample)
        if len(alike) == BATCH:
            yield np.stack(alike)
            alike.clear()


def grain_dataset(data: DataFolder, source: RolloutSource, workers: int) -> Batches:
    """grain, over the memory-mapped ``.bin`` files: a sample a record, shuffled within each grid."""
    import grain

    class Transitions:
        def __init__(self, height: int, width: int) -> None:
            self.tokens = np.memmap(bin_file(data, height, width), np.uint8, "r").reshape(-1, FRAMES, height, width)

        def __len__(self) -> int:
            return len(self.tokens) * (FRAMES - 1)

        def __getitem__(self, index: int) -> Array:
            rollout, frame = divmod(int(index), FRAMES - 1)
            return self.tokens[rollout, frame : frame + 2]

    def of_grid(height: int, width: int) -> Any:
        shuffled = grain.MapDataset.source(Transitions(height, width)).shuffle(seed=0)
        return shuffled.batch(BATCH, drop_remainder=True, batch_fn=np.stack)

    every = grain.MapDataset.concatenate([of_grid(*grid) for grid in of_grids(source)])
    read = grain.ReadOptions(num_threads=2 if workers else 0, prefetch_buffer_size=64 if workers else 0)
    return iter(every.repeat().to_iter_dataset(read))


def web_dataset(data: DataFolder, _source: RolloutSource, workers: int, shuffled: bool = False) -> Batches:
    """webdataset, with a tar of ``.npy`` members for each worker."""
    import webdataset as wds

    def unroll(members: Iterable[dict[str, Any]]) -> Iterator[Array]:
        for member in members:
            yield from samples(member["npy"])

    files = wds.compat.WebDataset(str(data.root) + "/{0..1}.tar", shardshuffle=False, empty_check=False)
    cut = files.decode().compose(unroll)
    piped = cut.compose(of_one_grid) if shuffled else cut.batched(BATCH, collation_fn=np.stack)
    return again(wds.compat.WebLoader(piped, batch_size=None, num_workers=workers) if workers else piped)


def hf_datasets(data: DataFolder, _source: RolloutSource, workers: int, shuffled: bool = False) -> Batches:
    """Hugging Face ``datasets``, streaming rollouts from two Parquet files."""
    import datasets

    stream = datasets.load_dataset(
        "parquet", data_files=f"{data.root}/*.parquet", split="train", streaming=True, cache_dir=str(data / "cache")
    )

    def rollouts() -> Iterator[Array]:
        return (np.frombuffer(row["tokens"], np.uint8).reshape(row["shape"]) for row in iter(stream))

    return batched(rollouts, workers, shuffled)


def lit_data(data: DataFolder, _source: RolloutSource, workers: int, shuffled: bool = False) -> Batches:
    """litdata, with a rollout an item."""
    import litdata  # pyright: ignore[reportMissingImports]

    items = litdata.StreamingDataset(f"{data.root}/litdata", shuffle=False)
    return batched(lambda: iter(items), workers, shuffled)


PEERS: dict[str, Callable[..., Batches]] = {
    "grain": grain_dataset,
    "webdataset": web_dataset,
    "datasets": hf_datasets,
    "litdata": lit_data,
}
"""Loaders by package. All take the number of workers; those not in ``ALWAYS_SHUFFLED`` also take ``shuffled``."""

ALWAYS_SHUFFLED = {"grain"}
