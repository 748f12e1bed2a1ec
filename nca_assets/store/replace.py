"""Local files and folders that appear whole or not at all: written under a temporary name, read back, flushed, renamed.

A writer holds a lock on its temporary file until its process ends, so the next writer can identify and remove what
killed ones left behind. A temporary folder has an empty file beside it for the lock, since NFS locks only files that
are open for writing.
"""

from __future__ import annotations

import fcntl
import glob
import io
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from nca_assets.errors import NcaError
from nca_assets.store.refusals import refusals_of_the_disk

TEMPORARY = ".part"
"""Suffix of files and folders being written; nothing reads them."""

_PIECE = 2**20

NEW, BEFORE = ".new", ".before"
"""Suffixes, in place of ``TEMPORARY``, of a folder being written and of the one that it replaces."""


@contextmanager
def replaced_file(path: Path) -> Iterator[BinaryIO]:
    """A file that becomes ``path`` if the block succeeds and its bytes read back, and is removed otherwise."""
    if path.is_dir():
        raise NcaError(f"can't write {path}: it is a folder. Name a file.")
    with _temporary(path) as temporary, _Summed(temporary, "wb") as raw, io.BufferedWriter(raw) as file:
        yield file
        file.flush()
        _require_sum(temporary, raw.sum, path)
        publish(temporary, path)


@contextmanager
def replaced_folder(to: Path) -> Iterator[Path]:
    """A folder that replaces ``to`` if the block succeeds, and is removed if it fails.

    Raises ``NcaError`` if the disk refuses.
    """
    with _temporary(to) as temporary:
        folder = temporary.with_suffix(NEW)
        folder.mkdir()
        yield folder
        if to.exists():
            to.rename(temporary.with_suffix(BEFORE))
        publish(folder, to)


def created_file(path: Path, content: bytes) -> bool:
    """Write ``content`` to ``path``, whole, unless it exists; returns whether it was written."""
    with _temporary(path) as temporary:
        temporary.write_bytes(content)
        _flush(temporary)
        _require_sum(temporary, zlib.crc32(content), path)
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return False
        _flush(path.parent)
        return True


class _Summed(io.FileIO):
    """A file that is written sequentially, with a running CRC-32 of its content."""

    sum = 0

    def write(self, content: Any) -> int:
        written = super().write(content)
        self.sum = zlib.crc32(memoryview(content)[:written], self.sum)
        return written


def _require_sum(temporary: Path, expected: int, path: Path) -> None:
    """Raise ``NcaError`` if ``temporary`` does not read back as it was written."""
    found = 0
    with temporary.open("rb") as file:
        while content := file.read(_PIECE):
            found = zlib.crc32(content, found)
    if found != expected:
        raise NcaError(f"can't write {path}: other bytes were found than were written. Check the disk.")


def publish(temporary: Path, path: Path) -> None:
    """Give a finished file or folder its final name, in one step that survives a power cut."""
    _flush(temporary)
    temporary.replace(path)
    _flush(path.parent)


def temporary_name(path: Path) -> Path:
    """A name beside ``path`` to write under."""
    return path.with_name(f".{path.name}.{uuid4().hex[:12]}{TEMPORARY}")


def discard(path: Path) -> None:
    """Remove a file, or a folder with its content, if it exists."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A new temporary file for ``path``, locked, and removed at the end if it was not renamed."""
    with refusals_of_the_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        temporary, lock = _create_locked(path)
        try:
            yield temporary
        finally:
            _clean_up(temporary, path)
            os.close(lock)


def _create_locked(path: Path) -> tuple[Path, int]:
    while True:
        temporary = temporary_name(path)
        lock = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if temporary.exists():
            return temporary, lock
        os.close(lock)  # another writer took it for abandoned before it was locked


def remove_leftovers(folder: Path, name: str = "*") -> None:
    """Remove what dead writers of files in ``folder`` have left, for names that none is written under again; by
    default of all such files, which no other kind of writer may be at work on."""
    for leftover in folder.glob(f".{name}.{12 * '?'}{TEMPORARY}"):
        _remove_abandoned(folder / leftover.name[1 : -len(f".{12 * '?'}{TEMPORARY}")])


def _remove_abandoned(path: Path) -> None:
    """Remove leftovers of dead writers of ``path``, and restore a folder that they were about to replace."""
    any_name = f".{glob.escape(path.name)}.{'?' * 12}"
    for leftover in path.parent.glob(any_name + TEMPORARY):
        if leftover.is_dir():  # from an earlier release, without a file beside it
            _clean_up(leftover, path)
            continue
        with suppress(FileNotFoundError):
            lock = os.open(leftover, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _clean_up(leftover, path)
            except BlockingIOError:
                continue
            finally:
                os.close(lock)


def _clean_up(temporary: Path, path: Path) -> None:
    before = temporary.with_suffix(BEFORE)
    if before.exists() and not path.exists():
        before.rename(path)
    discard(before)
    discard(temporary.with_suffix(NEW))
    discard(temporary)  # last, since the others are found by its name


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
