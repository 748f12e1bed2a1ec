"""Local folders as a store. The functions in ``store`` document the methods."""
# ruff: noqa: D102

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from nca_assets.errors import NcaError
from nca_assets.store.replace import created_file, publish, remove_leftovers, replaced_file


class LocalStore:
    """All local files."""

    def names(self, folder: Path) -> Iterator[str]:
        with _scan(folder) as entries:
            yield from (entry.name for entry in entries)

    def names_below(self, folder: Path) -> Iterator[str]:
        with _scan(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False) or (folder / entry.name).is_file():
                    yield entry.name
                    continue
                below = [f"{entry.name}/{name}" for name in self.names_below(folder / entry.name)]
                yield from below or [entry.name]  # an empty folder may stand where a file should

    def sizes(self, folder: Path) -> dict[str, int]:
        with _scan(folder) as entries:
            return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}

    def modified_at(self, file: Path) -> float:
        return file.stat().st_ctime

    def remove_leftovers(self, folder: Path) -> None:
        remove_leftovers(folder)

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


def _scan(folder: Path) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
    """The entries of ``folder``, none if it is missing. Raises ``NcaError`` if it can't be read."""
    try:
        return os.scandir(folder)
    except FileNotFoundError:
        return nullcontext(iter(()))
    except OSError as error:
        raise NcaError(f"can't read the folder {folder}: {error.strerror}. Make it a readable folder.") from error
