"""Files that appear whole or not at all: written under a temporary name, flushed to disk, then renamed; or, in a
bucket, uploaded in one piece or in parts that become an object once all are there."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

from nca_assets.errors import DiskFullError, NcaError, TransientError
from nca_assets.storage import Stored, bucket_of, clear_errors

if TYPE_CHECKING:
    from upath import UPath

TEMPORARY = ".part"
"""Suffix of files being written; nothing reads them."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_TRANSIENT = (errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENETDOWN)
_KINDS = dict.fromkeys(_FULL, DiskFullError) | dict.fromkeys(_TRANSIENT, TransientError)


def is_transient(error: OSError) -> bool:
    """Whether the disk failed in a way that may pass."""
    return error.errno in _TRANSIENT


@contextmanager
def whole_file(path: Stored) -> Iterator[BinaryIO]:
    """A file to write that takes the name ``path`` when the block ends well, and vanishes when it does not.

    Leftovers of writers that were killed are removed first. Raises ``NcaError`` when the disk or the bucket refuses.
    """
    with _local_file(path) if isinstance(path, Path) else _object(path) as file:
        yield file


@contextmanager
def _object(path: UPath) -> Iterator[BinaryIO]:
    with refusals_of_the_disk(Path(tempfile.gettempdir())), clear_errors(), tempfile.NamedTemporaryFile() as file:
        yield file  # pyright: ignore[reportReturnType]
        file.flush()
        bucket_of(path).write_from(Path(file.name), path.path)


@contextmanager
def _local_file(path: Path) -> Iterator[BinaryIO]:
    with refusals_of_the_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path)
        with _locked_temporary(path) as file:
            temporary = Path(file.name)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                publish(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


@contextmanager
def refusals_of_the_disk(path: Stored) -> Iterator[None]:
    """Raise an ``OSError`` of the block, which writes ``path``, as ``NcaError`` or the kind of it that fits."""
    try:
        yield
    except OSError as error:
        kind = _KINDS.get(error.errno or 0, NcaError)
        raise kind(
            f"can't write {path}: {error.strerror or error}. Free space or make the folder writable, then run it again."
        ) from error


def _locked_temporary(path: Path) -> BinaryIO:
    """A temporary file beside ``path``, locked: the lock says that its writer lives, and ends with the process."""
    while True:
        file = path.with_name(f".{path.name}.{uuid4().hex[:12]}{TEMPORARY}").open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # another writer took it for abandoned before it was locked


def publish(temporary: Path, path: Path) -> None:
    """Give a finished file its final name, in one step that survives a power cut."""
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_abandoned(path: Path) -> None:
    """Remove temporary files of ``path`` whose writers are dead."""
    for leftover in path.parent.glob(f".{path.name}.*{TEMPORARY}"):
        with suppress(FileNotFoundError, BlockingIOError), leftover.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()


def require_writable(folder: Stored) -> None:
    """Make ``folder`` if it is missing and prove that a file can be written to it. Raises ``NcaError`` if not."""
    if not isinstance(folder, Path):
        with clear_errors():
            with whole_file(folder / ".writable"):
                pass
            (folder / ".writable").unlink()
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise NcaError(
            f"can't write to {folder}: {error.strerror}. Make it writable or set NCA_DATA to another folder."
        ) from error
