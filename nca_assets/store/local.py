"""Local folders as a store. The functions in ``store`` document the methods."""
# ruff: noqa: D102

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO, TypeVar

from nca_assets.errors import NcaError, TransientError
from nca_assets.store.replace import created_file, publish, remove_leftovers, replaced_file

T = TypeVar("T")


class LocalStore:
    """All local files."""

    def names(self, folder: Path) -> Iterator[str]:
        return iter(_listed(folder, lambda entry: entry.name))

    def names_below(self, folder: Path) -> Iterator[str]:
        for name, is_file in _listed(folder, _name_and_kind):
            if is_file:
                yield name
                continue
            below = [f"{name}/{inner}" for inner in self.names_below(folder / name)]
            yield from below or [name]  # an empty folder may stand where a file should

    def sizes(self, folder: Path) -> dict[str, int]:
        found = _listed(folder, lambda entry: (entry.name, _size(entry)))
        return {name: size for name, size in found if size is not None}

    def modified_at(self, file: Path) -> float:
        return file.stat().st_ctime

    def remove_leftovers(self, folder: Path, name: str) -> None:
        remove_leftovers(folder, name)

    def stamp(self, file: Path) -> int:
        return file.stat().st_mtime_ns

    def cache_of(self, data: Path) -> Path:
        return data

    def local_copies(self, files: Sequence[Path]) -> list[Path]:
        return list(files)

    def first_copy(self, file: Path) -> Path:
        return file

    def in_parts(self, file: Path) -> Path:
        return file

    def whole_file(self, file: Path) -> AbstractContextManager[BinaryIO]:
        return replaced_file(file)

    def create(self, file: Path, content: bytes) -> bool:
        return created_file(file, content)

    def listed_once(self, folders: Sequence[Path]) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def versions(self, files: Sequence[Path]) -> dict[Path, str]:  # noqa: ARG002
        return {}

    def current(self, path: Path, versions: Path | None) -> Path:  # noqa: ARG002
        return path

    def publish_version(self, local: Path, path: Path, versions: Path | None, after: Path) -> Path:  # noqa: ARG002
        if local != path:
            publish(local, path)
        return path

    def require_writable(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise NcaError(
                f"can't write to {folder}: {error.strerror}. Make it writable or set NCA_DATA to another folder."
            ) from error

    def free_bytes(self, folder: Path) -> int | None:
        there = next(each for each in [folder.absolute(), *folder.absolute().parents] if each.exists())
        return shutil.disk_usage(there).free


_unreadable: ContextVar[dict[Path, str] | None] = ContextVar("unreadable", default=None)


@contextmanager
def passing_over_unreadable() -> Iterator[dict[Path, str]]:
    """In the block, a folder that can't be read lists as empty and is noted in the dictionary, with the reason; an
    inner block has the same one.

    Only what is the folder's own fault is passed over: permissions, a failing disk, a file in its place.
    """
    found = _unreadable.get()
    if found is not None:
        yield found
        return
    found = {}
    before = _unreadable.set(found)
    try:
        yield found
    finally:
        _unreadable.reset(before)


_OWN_FAULTS = {errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR, errno.ELOOP, getattr(errno, "EUCLEAN", errno.EIO)}


def _listed(folder: Path, look: Callable[[os.DirEntry[str]], T]) -> list[T]:
    """What ``look`` gives of each entry of ``folder``, none if it is missing. Raises ``NcaError`` if it can't be read,
    and ``TransientError`` if the machine is to blame."""
    try:
        with os.scandir(folder) as entries:
            return [look(entry) for entry in entries]
    except FileNotFoundError:
        return []
    except OSError as error:
        reason = f"can't read the folder {folder}: {error.strerror}."
        if error.errno not in _OWN_FAULTS:
            raise TransientError(f"{reason} Try again.") from error
        passed_over = _unreadable.get()
        if passed_over is None:
            raise NcaError(f"{reason} Make it a readable folder.") from error
        passed_over[folder] = f"{reason} Make it a readable folder."
        return []


def _name_and_kind(entry: os.DirEntry[str]) -> tuple[str, bool]:
    """The name, and whether it is that of a file."""
    return entry.name, entry.is_file(follow_symlinks=False) or Path(entry).is_file()


def _size(entry: os.DirEntry[str]) -> int | None:
    """The bytes of a file; None if it is none, or was removed since it was listed."""
    try:
        return entry.stat().st_size if entry.is_file() else None
    except FileNotFoundError:
        return None
