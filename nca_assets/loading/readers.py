"""Reading many rollouts one after the other, in threads: from their shards, or from their recipes."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import prod
from pathlib import Path
from threading import Lock

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton.engine import ROLLOUTS_PER_THREAD, choose_machine, in_order, simulate_each, simulate_kept
from nca_assets.automaton.jit import compiled
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId, ShardKey, is_own, member_name
from nca_assets.remedies import remake
from nca_assets.settings import Resources
from nca_assets.shards.imported import find_imported
from nca_assets.shards.read import reading
from nca_assets.store.store import first_copy
from nca_assets.vocabulary.centroids import load_centroids

Tokens = NDArray[np.uint8] | Tensor
"""A rollout's tokens, uint8 (frames, height, width): a tensor if they are on a GPU."""

LOCAL_HEADER = 30
"""Bytes of a ZIP member's own header, before its name; the lengths of name and extra field are its last four."""

HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<dtype>[^']+)', 'fortran_order': (?P<time_fastest>True|False), "
    rb"'shape': \((?P<frames>\d+), (?P<height>\d+), (?P<width>\d+)\), \} *\n",
    re.DOTALL,
)
"""What an ``.npy`` file of three axes begins with. NumPy has Python's parser read it, which fails now and then when
several threads parse at once (Python issue 106905)."""

ONE_PARSER = Lock()

TILE = 32


@dataclass(frozen=True)
class Wanted:
    """A rollout to read: where it is, and the (frames, height, width) that it must have."""

    rollout: RolloutId
    shard: int
    shape: tuple[int, int, int]


Reader = Callable[[Iterable[Wanted], DataFolder, Resources], Iterator[Tokens | NcaError]]
"""Gives each rollout in order, or what is wrong with it."""


def read_files(wanted: Iterable[Wanted], data: DataFolder, resources: Resources) -> Iterator[Tokens | NcaError]:
    """The tokens of each rollout, from its shard. They are held to the checksums in the file; ``nca verify`` holds
    them to their digests."""
    with ThreadPoolExecutor(resources.threads) as pool:
        futures = ((prod(one.shape), pool.submit(_read_or_say_why, one, data)) for one in wanted)
        try:
            yield from in_order(futures, resources.threads * ROLLOUTS_PER_THREAD, resources.memory_mb * 2**20)
        finally:
            pool.shutdown(cancel_futures=True)


def read_recipes(wanted: Iterable[Wanted], data: DataFolder, resources: Resources) -> Iterator[Tokens]:
    """The tokens of each rollout, as many frames as are wanted, simulated from its recipe; on a GPU they stay there.

    Raises ``NcaError`` if there is no vocabulary yet, or a rollout is of an imported set.
    """
    machine, centroids = choose_machine(resources), load_centroids(data)
    for frames, alike in groupby(wanted, lambda one: one.shape[0]):
        rules = (data.rule(one.rollout.set, one.rollout.index) for one in alike)
        if machine.device == "cpu":
            yield from simulate_each(rules, centroids, frames, machine, lambda _, tokens: tokens)
        else:
            yield from simulate_kept(rules, centroids, frames, machine)


def _read_or_say_why(wanted: Wanted, data: DataFolder) -> NDArray[np.uint8] | NcaError:
    rollout = wanted.rollout
    if not is_own(rollout.set):
        try:
            with ONE_PARSER:
                return find_imported(rollout, data)
        except NcaError as error:
            return error
    key = ShardKey(rollout.set, wanted.shard)
    file = data.tokens_file(key)
    try:
        with reading(file, remake(key), f"is damaged at {member_name(rollout.index)}"):
            npy = _inflate(first_copy(file), f"{member_name(rollout.index)}.npy")
            return _time_first(npy, wanted.shape)
    except NcaError as error:
        return error


def _inflate(file: Path, name: str) -> bytes:
    """The content of a member of a ZIP file, at twice the speed of ``zipfile``."""
    stat = file.stat()
    member = _directory(file, stat.st_mtime_ns, stat.st_size)[name]
    with file.open("rb") as opened:
        opened.seek(member.header_offset)
        length_of_name, length_of_extra = struct.unpack("<HH", opened.read(LOCAL_HEADER)[-4:])
        if opened.read(length_of_name) != name.encode():
            raise ValueError("another member is in its place")
        opened.seek(length_of_extra, io.SEEK_CUR)
        content = opened.read(member.compress_size)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        content = isal_zlib.decompress(content, -15, member.file_size)
    if len(content) != member.file_size or isal_zlib.crc32(content) != member.CRC:
        raise ValueError("wrong checksum")
    return content


@lru_cache(maxsize=16)
def _directory(file: Path, _time: int, _size: int) -> dict[str, zipfile.ZipInfo]:
    """What is in ``file``, kept for the next of its members as long as the file is the same."""
    with zipfile.ZipFile(file) as archive:
        return {member.filename: member for member in archive.infolist()}


def _time_first(npy: bytes, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The array in an ``.npy`` file, frame after frame in memory. Raises ``ValueError`` if it is another than asked."""
    header = HEADER.match(npy)
    if header is None:
        raise ValueError("no .npy file of three axes")
    dtype, time_fastest, *axes = header.group("dtype", "time_fastest", "frames", "height", "width")
    there = tuple(map(int, axes))
    if there != shape or dtype != b"|u1":
        raise ValueError(f"{np.dtype(dtype.decode())} {there}, not uint8 {shape}")
    tokens = np.frombuffer(npy, np.uint8, offset=header.end())
    if time_fastest == b"False":
        return tokens.reshape(shape)
    frames, height, width = shape
    # In Fortran order the columns of the grid come before its rows.
    turned = np.empty(shape, np.uint8)
    _turn(tokens.reshape(width, height, frames), turned)
    return turned


@compiled
def _turn(source, target):
    """(width, height, frames) to (frames, height, width), tile by tile so that both stay in the cache."""
    width, height, frames = source.shape
    for y in range(height):
        for first_frame in range(0, frames, TILE):
            for x in range(width):
                for t in range(first_frame, min(first_frame + TILE, frames)):
                    target[t, y, x] = source[x, y, t]
