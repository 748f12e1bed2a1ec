"""What the package calls to list, read, write and publish, in a local folder or a bucket alike."""

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
    """All that differs between local folders and buckets; the functions below say what each method does."""

    # ruff: noqa: D102
    def names(self, folder: P) -> Iterator[str]: ...
    def names_below(self, folder: P) -> Iterator[str]: ...
    def sizes(self, folder: P) -> dict[str, int]: ...
    def modified_at(self, file: P) -> float: ...
    def stamp(self, file: P) -> int: ...
    def cache_of(self, data: P) -> Path: ...
    def local_copies(self, files: Sequence[P]) -> list[Path]: ...
    def first_copy(self, file: P) -> Path: ...
    def in_parts(self, file: P) -> Path | RangedObject: ...
    def whole_file(self, file: P) -> AbstractContextManager[BinaryIO]: ...
    def create(self, file: P, content: bytes) -> bool: ...
    def current(self, path: P, versions: P | None) -> P: ...
    def publish_version(self, local: Path, path: P, versions: P | None, after: P) -> P: ...
    def require_writable(self, folder: P) -> None: ...
    def free_bytes(self, folder: P) -> int | None: ...


LOCAL: Store[Path] = LocalStore()
BUCKET: Store[BucketPath] = BucketStore()


def store_of(path: Stored) -> Store[Any]:
    """The store that ``path`` is in. Nothing else tells a folder from a bucket."""
    return LOCAL if isinstance(path, Path) else BUCKET


def names(folder: Stored) -> Iterator[str]:
    """The names of what is in ``folder``, in no order; no more are listed than are asked for, or a thousand.

    Those of a bucket include what is further below. Raises ``NcaError`` if the folder can't be read.
    """
    return store_of(folder).names(folder)


def names_below(folder: Stored) -> Iterator[str]:
    """The names of all files below ``folder``, like ``set=1/shard=00000.parquet``, in no order.

    Raises ``NcaError`` if a folder can't be read.
    """
    return store_of(folder).names_below(folder)


def sizes(folder: Stored) -> dict[str, int]:
    """The size in bytes of each file in ``folder``, by name."""
    return store_of(folder).sizes(folder)


def modified_at(file: Stored) -> float:
    """When a file took its name, in seconds since 1970: later than it was written."""
    return store_of(file).modified_at(file)


def stamp(file: Stored) -> int:
    """A number that changes with a local file; 0 in a bucket, where asking would take a request each time."""
    return store_of(file).stamp(file)


def cache_of(data: Stored) -> Path:
    """A local folder for what is derived from ``data`` and must be local: ``data`` itself if it is."""
    return store_of(data).cache_of(data)


def local_copy(file: Stored) -> Path:
    """``file`` itself, or a local copy of what it is now. Raises ``FileNotFoundError`` if that object is missing."""
    return local_copies([file])[0]


def local_copies(files: Iterable[Stored]) -> list[Path]:
    """The same for many files of one store; each folder is listed once, and many are fetched at a time."""
    files = list(files)
    return store_of(files[0]).local_copies(files) if files else []


def first_copy(file: Stored) -> Path:
    """``file`` itself, or a local copy of what it was when this process first asked for it."""
    return store_of(file).first_copy(file)


def in_parts(file: Stored) -> Path | RangedObject:
    """``file`` to read here and there: itself, or an object of which only the bytes that are read are fetched.

    Raises ``FileNotFoundError`` if an object is missing.
    """
    return store_of(file).in_parts(file)


def whole_file(path: Stored) -> AbstractContextManager[BinaryIO]:
    """A file to write that takes the name ``path`` when the block ends well, and vanishes when it does not.

    Leftovers of writers that were killed are removed first. Raises ``NcaError`` when the disk or the bucket refuses.
    """
    return store_of(path).whole_file(path)


def create(file: Stored, content: bytes) -> bool:
    """Write the whole ``file`` unless there is one of that name; returns whether there was none.

    Of several that create a file at once, one succeeds, but for buckets on servers that ignore the header
    ``If-None-Match``. Raises ``NcaError`` when the disk or the bucket refuses.
    """
    return store_of(file).create(file, content)


def current(path: Stored, versions: Stored | None = None) -> Stored:
    """The present version of what is published as ``path``: ``path`` itself if it is local; in a bucket, the last one
    in the folder ``versions``, by default ``path``. Where nothing was published yet, a path that does not exist."""
    return store_of(path).current(path, versions)


def publish_version(local: Path, path: Stored, after: Stored, versions: Stored | None = None) -> Stored:
    """Publish a finished local file or folder as the next version of ``path``; returns where it is.

    ``after`` is the version that was ``current`` when it was begun. In a bucket that one must still be current, or
    ``OvertakenError`` is raised and the current version stays; local folders have a lock for that (``exclusive``).
    Raises ``NcaError`` if the bucket refuses.
    """
    return store_of(path).publish_version(local, path, versions, after)


def require_writable(folder: Stored) -> None:
    """Make ``folder`` if it is missing and prove that a file can be written to it. Raises ``NcaError`` if not."""
    store_of(folder).require_writable(folder)


def free_bytes(folder: Stored) -> int | None:
    """The space left on the disk of ``folder``, which need not exist yet; None for a bucket."""
    return store_of(folder).free_bytes(folder)
