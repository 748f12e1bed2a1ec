"""Objects as seekable files: only the bytes that are read are fetched."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from nca_assets.errors import NcaError, OvertakenError
from nca_assets.store.copies import copies_of
from nca_assets.store.location import BucketPath

TAIL = 2**17
"""Bytes at the end of an object to fetch first: enough for the directory of an archive of a thousand members."""

AHEAD = 2**16
"""Minimal number of bytes per request."""


@dataclass(frozen=True)
class RangedObject:
    """An object in the version ``tag``; once it is replaced, reading raises ``OvertakenError``."""

    file: BucketPath
    tag: str
    size: int
    tail: bytes = field(compare=False, repr=False)

    def open(self, mode: str = "rb") -> BinaryIO:
        """The object as a seekable file."""
        if mode != "rb":
            raise ValueError(f"{self.file} is open for reading only")
        return io.BufferedReader(_Reader(self), AHEAD)  # pyright: ignore[reportReturnType]

    def read(self, start: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``start`` on."""
        if start >= (first := self.size - len(self.tail)):
            return self.tail[start - first :][:length]
        return _fetch(self.file, self.tag, start, min(start + length, self.size))


class _Reader(io.RawIOBase):
    def __init__(self, source: RangedObject) -> None:
        self.source, self.at = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + (0, self.at, self.source.size)[whence]
        return self.at

    def readinto(self, buffer: Any) -> int:
        content = self.source.read(self.at, len(buffer))
        buffer[: len(content)] = content
        self.at += len(content)
        return len(content)


def in_parts(file: BucketPath) -> RangedObject | Path:
    """The object in its current version; a local copy if the server does not support ranges (rclone's does not).

    Raises ``FileNotFoundError`` if it is missing.
    """
    found = file.client.head(file.key)
    with suppress(NcaError):  # any other failure recurs when the copy is fetched
        return _opened(file, found["e_tag"] or "", found["size"])
    return copies_of([(file, found)])[0]


@lru_cache(maxsize=32)
def _opened(file: BucketPath, tag: str, size: int) -> RangedObject:
    return RangedObject(file, tag, size, _fetch(file, tag, max(0, size - TAIL), size))


def _fetch(file: BucketPath, tag: str, start: int, stop: int) -> bytes:
    part = file.client.read_part(file.key, start, stop, tag)
    if part is None:
        raise OvertakenError(f"{file} was replaced while it was read: read it again")
    return part
