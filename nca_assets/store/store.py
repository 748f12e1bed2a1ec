"""Listing, reading, writing and publishing, in local folders and buckets alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from nca_assets.store.bucket import BucketStore
from nca_assets.store.local import LocalStore
from nca_assets.store.location import BucketPath, Stored
from nca_assets.store.ranges import RangedObject

P = TypeVar("P")


class Store(Protocol[P]):
    """All that differs between local folders and buckets; the functions below document the methods."""

    # ruff: noqa: D102
    def names(self, folder: P) -> Iterator[str]: ...
    def names_below(self, folder: P) -> Iterator[str]: ...
    def sizes(self, folder: P) -> dict[str, int]: ...
    def modified_at(self, file: P) -> float: ...
    def remove_leftovers(self, folder: P, name: str) -> None: ...
    def stamp(self, file: P) -> int: ...
    def cache_of(self, data: P) -> Path: ...
    def local_copies(self, files: Sequence[P]) -> list[Path]: ...
    def first_copy(self, file: P) -> Path: ...
    def in_parts(self, file: P) -> Path | RangedObject: ...
    def whole_file(self, file: P) -> AbstractContextManager[BinaryIO]: ...
    def create(self, file: P, content: bytes) -> bool: ...
    def listed_once(self, folders: Sequence[P]) -> AbstractContextManager[None]: ...
    def versions(self, files: Sequence[P]) -> dict[P, str]: ...
    def current(self, path: P, versions: P | None) -> P: ...
    def publish_version(self, local: Path, path: P, versions: P | None, after: P) -> P: ...
    def require_writable(self, folder: P) -> None: ...
    def free_bytes(self, folder: P) -> int | None: ...


LOCAL: Store[Path] = LocalStore()
BUCKET: Store[BucketPath] = BucketStore()


def store_of(path: Stored) -> Store[Any]:
    """The store of ``path``. Nothing else distinguishes folders from buckets."""
    return LOCAL if isinstance(path, Path) else BUCKET


def names(folder: Stored) -> Iterator[str]:
    """The names in ``folder``, unordered, listed lazily; in a bucket, names further below too, in pages of 1,000.

    Raises ``NcaError`` if the folder can't be read.
    """
    return store_of(folder).names(folder)


def names_below(folder: Stored) -> Iterator[str]:
    """The names of all files below ``folder``, like ``set=1/shard=00000.parquet``, unordered.

    Raises ``NcaError`` if a folder can't be read.
    """
    return store_of(folder).names_below(folder)


def sizes(folder: Stored) -> dict[str, int]:
    """The size in bytes of each file in ``folder``, by name."""
    return store_of(folder).sizes(folder)


def modified_at(file: Stored) -> float:
    """When a file got its final name, in seconds since 1970; later than its content was written."""
    return store_of(file).modified_at(file)


def remove_leftovers(folder: Stored, name: str = "*") -> None:
    """Remove what killed writers of files called ``name`` have left in ``folder``; for names that are never written
    again, since the next writer of a name does so by itself."""
    store_of(folder).remove_leftovers(folder, name)


def stamp(file: Stored) -> int:
    """A number that changes with a local file; 0 in a bucket, where every call would take a request."""
    return store_of(file).stamp(file)


def cache_of(data: Stored) -> Path:
    """A local folder for files derived from ``data``: ``data`` itself if it is local."""
    return store_of(data).cache_of(data)


def local_copy(file: Stored) -> Path:
    """``file`` itself, or a local copy of the current object. Raises ``FileNotFoundError`` if that is missing."""
    return local_copies([file])[0]


def local_copies(files: Iterable[Stored]) -> list[Path]:
    """As ``local_copy``, for many files of one store: folders are listed once, and files fetched concurrently."""
    files = list(files)
    return store_of(files[0]).local_copies(files) if files else []


def first_copy(file: Stored) -> Path:
    """``file`` itself, or a local copy in the version that this process saw first."""
    return store_of(file).first_copy(file)


def in_parts(file: Stored) -> Path | RangedObject:
    """``file`` itself or, in a bucket, an object of which only the bytes that are read are fetched.

    Raises ``FileNotFoundError`` if the object is missing.
    """
    return store_of(file).in_parts(file)


def whole_file(path: Stored) -> AbstractContextManager[BinaryIO]:
    """A file to write that becomes ``path`` if the block succeeds, and is removed if it fails.

    Leftovers of killed writers are removed first. Raises ``NcaError`` if the disk or the bucket refuses.
    """
    return store_of(path).whole_file(path)


def create(file: Stored, content: bytes) -> bool:
    """Write the whole ``file`` unless it exists; returns whether it was written.

    Of several concurrent calls, one succeeds, except in buckets on servers that ignore the header ``If-None-Match``.
    Raises ``NcaError`` if the disk or the bucket refuses.
    """
    return store_of(file).create(file, content)


def listed_once(folders: Iterable[Stored]) -> AbstractContextManager[None]:
    """List ``folders`` of one bucket, concurrently, and answer from these listings during the block, which must not
    depend on anything written meanwhile; local folders are read whenever asked."""
    folders = list(folders)
    return store_of(folders[0]).listed_once(folders)


def versions(files: Iterable[Stored]) -> dict[Stored, str]:
    """The version of each object, which has one content for good; empty for local files, which may change in place."""
    files = list(files)
    return store_of(files[0]).versions(files) if files else {}


def current(path: Stored, versions: Stored | None = None) -> Stored:
    """The current version of ``path``: ``path`` itself if it is local; in a bucket, the last one in the folder
    ``versions``, by default ``path``. Before the first publication, a path that does not exist."""
    return store_of(path).current(path, versions)


def publish_version(local: Path, path: Stored, after: Stored, versions: Stored | None = None) -> Stored:
    """Publish a finished local file or folder as the next version of ``path``; returns where it is.

    ``after`` is the version that was ``current`` when the work on this one began. In a bucket, ``OvertakenError`` is
    raised if it no longer is, and the current version is left unchanged; for local folders there is a lock
    (``exclusive``). Raises ``NcaError`` if the bucket refuses.
    """
    return store_of(path).publish_version(local, path, versions, after)


def require_writable(folder: Stored) -> None:
    """Create ``folder`` if it is missing, and try to write a file to it. Raises ``NcaError`` if that fails."""
    store_of(folder).require_writable(folder)


def free_bytes(folder: Stored) -> int | None:
    """The space left on the disk of ``folder``, which need not exist yet; None for a bucket."""
    return store_of(folder).free_bytes(folder)
