"""A folder that appears whole or not at all: written beside, then renamed."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from nca_assets.errors import DiskFullError, NcaError
from nca_assets.files import TEMPORARY

BEFORE = ".before"
"""Suffix of the folder that is being replaced, while it is."""


@contextmanager
def replaced_folder(to: Path) -> Iterator[Path]:
    """A folder beside ``to`` that takes its place when the block ends well, and vanishes when it does not.

    Leftovers of writers that were killed are removed first. Raises ``NcaError`` when the disk refuses.
    """
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(to)
        temporary, lock = _locked_temporary(to)
        before = temporary.with_suffix(BEFORE)
        try:
            yield temporary
            if to.exists():
                to.rename(before)
            temporary.rename(to)
        finally:
            if before.exists() and not to.exists():
                before.rename(to)
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(before, ignore_errors=True)
            os.close(lock)
    except OSError as error:
        kind = DiskFullError if error.errno in (errno.ENOSPC, errno.EDQUOT) else NcaError
        where = f" ({error.filename})" if error.filename else ""
        raise kind(
            f"can't write {to}: {error.strerror or error}{where}. Free space or make the folder writable, then publish "
            "again."
        ) from error


def _locked_temporary(to: Path) -> tuple[Path, int]:
    """A folder beside ``to`` and the lock on it, which says that its writer lives and ends with the process."""
    while True:
        folder = to.with_name(f".{to.name}.{uuid4().hex[:12]}{TEMPORARY}")
        folder.mkdir()
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)  # another writer took it for abandoned before it was locked


def _remove_abandoned(to: Path) -> None:
    """Remove what dead writers of ``to`` have left, and put back what they were about to replace."""
    for leftover in to.parent.glob(f".{to.name}.*{TEMPORARY}"):
        with suppress(FileNotFoundError):
            lock = os.open(leftover, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                before = leftover.with_suffix(BEFORE)
                if before.exists() and not to.exists():
                    before.rename(to)
                shutil.rmtree(leftover)
            except BlockingIOError:
                continue
            finally:
                os.close(lock)
    for leftover in to.parent.glob(f".{to.name}.*{BEFORE}"):
        if to.exists() and not leftover.with_suffix(TEMPORARY).exists():
            shutil.rmtree(leftover, ignore_errors=True)
