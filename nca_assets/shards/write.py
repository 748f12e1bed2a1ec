"""Simulating a shard's rollouts into an ``.npz`` file, one member a rollout, and its manifest."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, BinaryIO

import numpy as np
import torch
from isal import isal_zlib
from numpy.typing import NDArray
from stream_zip import ZIP_64, Method, stream_zip
from torch import Tensor

from nca_assets.automaton.device import choose_device, device_name
from nca_assets.automaton.lattice import TOKENS
from nca_assets.automaton.recipe import SHAPE_BLOCK, draw_rule, draw_shape
from nca_assets.automaton.simulate import simulate
from nca_assets.errors import NcaError
from nca_assets.files import whole_file
from nca_assets.naming import SETS, ShardKey, materialized_shards, member_name
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Settings
from nca_assets.shards.manifest import (
    Manifest,
    Member,
    read_manifest,
    rollout_digest,
    shard_digest,
)
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.centroids import digest

DEFLATE_LEVEL = 2
"""ISA-L's level that writes fewest bytes of time-fastest tokens, at some 400 MB/s a core."""

BATCH_CELLS = 12_000
"""Cells simulated side by side in one thread: enough to pay for torch's calls, few enough for the cache."""

EARLIEST_ZIP_TIME = datetime(1980, 1, 1)
"""The time stamp of every member, so that equal tokens give equal files."""


@dataclass
class _Tally:
    """What the manifest says of the rollouts, gathered as they pass."""

    members: list[Member] = field(default_factory=list)
    token_counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(TOKENS, dtype=np.int64))

    def add(self, index: int, tokens: NDArray[np.uint8]) -> None:
        _, height, width = tokens.shape
        self.members.append(Member(index=index, height=height, width=width, digest=rollout_digest(tokens)))
        self.token_counts += np.bincount(tokens.ravel(), minlength=TOKENS)


def write_shard(key: ShardKey, centroids: Tensor, settings: Settings, progress: Progress = unwatched) -> Manifest:
    """Simulate the rollouts of shard ``key`` and write them and their manifest under ``settings.data``.

    ``progress`` is called with the rollouts done and their number. Raises ``NcaError`` if the folder holds shards of
    another size or length, or if a file can't be written; no partial file keeps a final name.
    """
    require_same_layout(settings, key)
    started = time.perf_counter()
    device = choose_device(settings.device)
    indices = settings.rollout_indices(key)
    tally = _Tally()

    def rollouts() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for index, tokens in simulate_rollouts(key.set, indices, centroids, settings, device):
            tally.add(index, tokens)
            yield index, tokens
            progress(len(tally.members), len(indices))

    with whole_file(key.tokens_file(settings.data)) as file:
        file_bytes = write_members(rollouts(), file)
    manifest = Manifest(
        set=key.set,
        shard=key.number,
        frames=settings.frames,
        recipe_version=RECIPE_VERSION,
        centroids_digest=digest(centroids),
        digest=shard_digest(member.digest for member in tally.members),
        token_counts=tally.token_counts.tolist(),
        file_bytes=file_bytes,
        device=device_name(device),
        seconds=time.perf_counter() - started,
        members=tally.members,
    )
    with whole_file(key.manifest_file(settings.data)) as file:
        file.write(manifest.model_dump_json(indent=1).encode())
    return manifest


def write_members(rollouts: Iterable[tuple[int, NDArray[np.uint8]]], file: BinaryIO) -> int:
    """Write (index, tokens) of rollouts to ``file`` as an ``.npz``, one after the other; returns the bytes written."""

    def members() -> Iterator[tuple[str, datetime, int, Method, list[bytes]]]:
        for index, tokens in rollouts:
            content = npy_bytes(tokens)
            # Not ZIP_AUTO: it takes zlib at its slowest level, whatever get_compressobj says.
            yield f"{member_name(index)}.npy", EARLIEST_ZIP_TIME, 0o644, ZIP_64, [content]

    return sum(file.write(chunk) for chunk in stream_zip(members(), get_compressobj=_deflate))


def simulate_rollouts(
    set_name: str, indices: range, centroids: Tensor, settings: Settings, device: str
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """(index, tokens) of rollouts of a set in order; tokens are uint8 (frames, height, width).

    On a CPU, batches of one shape are simulated side by side, each in one thread.
    """
    seed = SETS[set_name].seed
    batches = list(batches_of_one_shape(seed, indices))

    def tokens_of(batch: list[int]) -> NDArray[np.uint8]:
        rules = [draw_rule(seed, index) for index in batch]
        return simulate(rules, centroids, settings.frames, device).cpu().numpy()

    workers = settings.threads if device == "cpu" else 1
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for batch, tokens in zip(batches, pool.map(tokens_of, batches), strict=True):
            yield from zip(batch, tokens, strict=True)


def batches_of_one_shape(seed: int, indices: range) -> Iterator[list[int]]:
    """Consecutive ``indices`` in batches of one grid shape and up to ``BATCH_CELLS`` cells, or one rollout."""
    for block, members in groupby(indices, key=lambda index: index // SHAPE_BLOCK):
        height, width = draw_shape(seed, block * SHAPE_BLOCK)
        size = max(1, BATCH_CELLS // (height * width))
        rollouts = list(members)
        yield from (rollouts[i : i + size] for i in range(0, len(rollouts), size))


def npy_bytes(tokens: NDArray[np.uint8]) -> bytes:
    """A rollout as an ``.npy`` file in Fortran order: time varies fastest, which compresses best."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asfortranarray(tokens), allow_pickle=False)
    return buffer.getvalue()


def require_same_layout(settings: Settings, key: ShardKey) -> None:
    """Raise ``NcaError`` if a shard other than ``key`` is there with another size or length than ``settings`` says."""
    others = [other for other in materialized_shards(settings.data) if other != key]
    for other in others[:1]:
        manifest = read_manifest(other, settings.data)
        for name, there, asked in (
            ("SHARD_SIZE", len(manifest.members), settings.shard_size),
            ("FRAMES", manifest.frames, settings.frames),
        ):
            if there != asked:
                raise NcaError(
                    f"NCA_{name}={asked}, but {other.tokens_file(settings.data)} was made with {there}: "
                    f"set NCA_{name}={there}, or another folder with NCA_DATA"
                )


def _deflate() -> Any:  # isal's objects are zlib's in all but their declared type
    return isal_zlib.compressobj(DEFLATE_LEVEL, isal_zlib.DEFLATED, -15)
