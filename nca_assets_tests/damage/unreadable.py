"""What can make a folder unreadable, for the time of a block."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@contextmanager
def moved(folder: Path) -> Iterator[None]:
    aside = folder.rename(folder.parents[1] / "aside")
    yield
    folder.unlink()
    aside.rename(folder)


@contextmanager
def loop(folder: Path) -> Iterator[None]:
    """A link to itself stands in its place."""
    with moved(folder):
        folder.symlink_to(folder)
        yield


@contextmanager
def file(folder: Path) -> Iterator[None]:
    """A file stands in its place."""
    with moved(folder):
        folder.touch()
        yield


@contextmanager
def failing_disk(folder: Path) -> Iterator[None]:
    """The disk fails in the middle of its entries."""
    scandir = os.scandir

    @contextmanager
    def failing(path: str | Path | int = ".") -> Iterator[Iterator[os.DirEntry[str]]]:
        with scandir(path) as entries:
            yield broken(entries) if path == folder else entries

    def broken(entries: Iterator[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
        yield next(entries)
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(folder))

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(os, "scandir", failing)
        yield


FAULTS = (loop, file, failing_disk)


@contextmanager
def forbidden(folder: Path) -> Iterator[None]:
    """This user may not read it: if it is root, who may read everything, meanwhile another one."""
    folder.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
