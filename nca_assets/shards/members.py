"""The members of a shard's ``.npz``: packed by worker threads, one rollout each, and written as a stream."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from stream_zip import ZIP_64, Method, stream_zip

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.ids import member_name
from nca_assets.shards.counting import token_counts
from nca_assets.shards.manifest import Member, rollout_digest

DEFLATE_LEVEL = 2
"""ISA-L's best level for time-fastest tokens, at some 600 MB/s per core."""

EARLIEST_ZIP_TIME = datetime(1980, 1, 1, tzinfo=UTC)
"""The time stamp of every member, so that equal tokens give equal files, in every time zone."""


@dataclass(frozen=True)
class PackedRollout:
    """A rollout ready to be written: its manifest entry, its token counts, and its ``.npy`` file, raw and deflated."""

    member: Member
    token_counts: NDArray[np.int64]
    npy: bytes
    deflated: bytes


def pack(index: int, tokens: NDArray[np.uint8]) -> PackedRollout:
    """Pack rollout ``index`` of a set, whose tokens are uint8 (frames, height, width)."""
    npy = npy_bytes(tokens)
    deflate = isal_zlib.compressobj(DEFLATE_LEVEL, isal_zlib.DEFLATED, -15)
    return PackedRollout(*describe(index, tokens), npy, deflate.compress(npy) + deflate.flush())


def describe(index: int, tokens: NDArray[np.uint8]) -> tuple[Member, NDArray[np.int64]]:
    """The manifest entry and the token counts of rollout ``index`` of a set."""
    frames, height, width = tokens.shape
    member = Member(index=index, frames=frames, height=height, width=width, digest=rollout_digest(tokens))
    return member, token_counts(tokens)[:TOKENS]


def npy_bytes(tokens: NDArray[np.uint8]) -> bytes:
    """A rollout as an ``.npy`` file in Fortran order: time varies fastest, which compresses best."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": True, "shape": tokens.shape})
    return header.getvalue() + tokens.tobytes("F")


def write_members(rollouts: Iterable[PackedRollout], file: BinaryIO) -> int:
    """Write ``rollouts`` to ``file`` as an ``.npz``, one after the other; returns the bytes written.

    Memory holds one rollout at a time. Archives and members may be of any size (zip64).
    """
    deflated: deque[bytes] = deque()

    def entries() -> Iterator[tuple[str, datetime, int, Method, list[bytes]]]:
        for rollout in rollouts:
            deflated.append(rollout.deflated)
            # Not ZIP_AUTO: it takes zlib at its slowest level, whatever get_compressobj says.
            yield f"{member_name(rollout.member.index)}.npy", EARLIEST_ZIP_TIME, 0o644, ZIP_64, [rollout.npy]

    def compressor() -> Any:  # stream_zip calls this after taking an entry
        return _Deflated(deflated.popleft())

    return sum(file.write(chunk) for chunk in stream_zip(entries(), get_compressobj=compressor))


class _Deflated:
    """A compressor for stream_zip that returns content already deflated by a worker thread."""

    def __init__(self, deflated: bytes) -> None:
        self.deflated = deflated

    def compress(self, _: bytes) -> bytes:
        return b""

    def flush(self) -> bytes:
        return self.deflated
