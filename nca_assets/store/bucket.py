"""Buckets as a store. The functions in ``store`` document the methods.

An object can be replaced in one step, but a folder can't, and files that others have open should stay. So each version
of these has its own name, and the object ``latest`` holds the name of the current one.
"""
# ruff: noqa: D102

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from nca_assets.errors import OvertakenError
from nca_assets.store import copies, listings, ranges
from nca_assets.store.location import BucketPath
from nca_assets.store.refusals import refusals_of_the_disk

LATEST = "latest"

KEPT = 3
"""Versions to keep, the current one included, so that readers of an older one can finish."""


class BucketStore:
    """All buckets of one endpoint."""

    def names(self, folder: BucketPath) -> Iterator[str]:
        start = len(folder.key) + 1 if folder.key else 0
        yield from (item["path"][start:] for item in listings.below(folder))

    names_below = names

    def sizes(self, folder: BucketPath) -> dict[str, int]:
        return {name: item["size"] for name, item in listings.directly_in(folder).items()}

    def modified_at(self, file: BucketPath) -> float:
        return file.stat().st_mtime

    def remove_leftovers(self, folder: BucketPath, name: str) -> None:
        """Objects appear whole, so there are none."""

    def stamp(self, file: BucketPath) -> int:  # noqa: ARG002
        return 0

    def cache_of(self, data: BucketPath) -> Path:
        return copies.CACHE / "data" / data.bucket / data.key

    def local_copies(self, files: Sequence[BucketPath]) -> list[Path]:
        if len(files) == 1:
            with suppress(FileNotFoundError):  # a listing, below, tells a missing bucket from a missing object
                return copies.copies_of([(files[0], files[0].client.head(files[0].key))])
        listed = {folder: listings.directly_in(folder) for folder in {file.parent for file in files}}
        found = [(file, listed[file.parent].get(file.name)) for file in files]
        if missing := [str(file) for file, meta in found if meta is None]:
            raise FileNotFoundError(f"{missing[0]} is missing")
        return copies.copies_of([(file, meta) for file, meta in found if meta])

    def first_copy(self, file: BucketPath) -> Path:
        return copies.first_copy(file)

    def in_parts(self, file: BucketPath) -> Path | ranges.RangedObject:
        return ranges.in_parts(file)

    @contextmanager
    def whole_file(self, file: BucketPath) -> Iterator[BinaryIO]:
        with refusals_of_the_disk(Path(tempfile.gettempdir())), tempfile.NamedTemporaryFile() as local:
            yield local  # pyright: ignore[reportReturnType]
            local.flush()
            file.client.upload(file.key, Path(local.name))

    def create(self, file: BucketPath, content: bytes) -> bool:
        # Some servers ignore the condition.
        return not file.is_file() and file.client.put_if("create", file.key, content)

    def listed_once(self, folders: Sequence[BucketPath]) -> AbstractContextManager[None]:
        return listings.listed_once(folders)

    def versions(self, files: Sequence[BucketPath]) -> dict[BucketPath, str]:
        # By name, since a path takes ten times as long to make as a name.
        folders = {file.key.rpartition("/")[0]: file for file in files}
        listed = {name: listings.directly_in(file.parent) for name, file in folders.items()}
        found: dict[BucketPath, str] = {}
        for file in files:
            folder, _, name = file.key.rpartition("/")
            meta = listed[folder].get(name)
            if meta and meta["e_tag"]:
                found[file] = f"{meta['e_tag']} {meta['size']}"
        return found

    def current(self, path: BucketPath, versions: BucketPath | None) -> BucketPath:
        folder = versions or path
        return folder / (_latest(folder)[0] or "none")

    def publish_version(
        self, local: Path, path: BucketPath, versions: BucketPath | None, after: BucketPath
    ) -> BucketPath:
        folder = versions or path
        version = folder / f"{_number(after.name) + 1:08d}-{uuid4().hex[:8]}{path.suffix}"
        for file in [file for file in local.rglob("*") if file.is_file()] if local.is_dir() else [local]:
            there = version / file.relative_to(local).as_posix()
            there.client.upload(there.key, file)
        if not _replace_latest(folder, after.name, version.name):
            _remove(folder, {version.name})
            raise OvertakenError(f"another version of {folder} was published meanwhile: publish again")
        _remove_old(folder)
        return version

    def require_writable(self, folder: BucketPath) -> None:
        with self.whole_file(folder / ".writable"):
            pass
        (folder / ".writable").unlink()

    def free_bytes(self, folder: BucketPath) -> int | None:  # noqa: ARG002
        return None


def _latest(folder: BucketPath) -> tuple[str | None, str | None]:
    """The name of the current version in ``folder`` and the ETag of ``latest``; both None before the first version."""
    try:
        content, meta = folder.client.read((folder / LATEST).key)
    except FileNotFoundError:
        return None, None
    return content.decode(), meta["e_tag"]


def _replace_latest(folder: BucketPath, before: str, version: str) -> bool:
    """Make ``version`` the current one unless ``before`` was replaced; returns whether it succeeded."""
    named, tag = _latest(folder)
    if (named or "none") != before:
        return False
    folder.client.put_if({"e_tag": tag} if tag else "create", (folder / LATEST).key, version.encode())
    # Read again because the condition also fails when a request whose response was lost is repeated, and because some
    # servers ignore conditions (rclone's does). On those, a publication is lost without notice if another process read
    # ``latest`` before it and writes after this line: a window of milliseconds.
    return _latest(folder)[0] == version


def _number(version: str) -> int:
    """The number at the start of a version's name: one more than its predecessor's, so names sort by publication.

    Names from earlier releases start with a date, like 20260131T235959; their successors count on from it.
    """
    match = re.match(r"\d{8,}", version)
    return int(match[0]) if match else 0


def _remove_old(folder: BucketPath) -> None:
    """Remove versions older than those to keep, and uploads that were never published."""
    current = _latest(folder)[0] or "none"
    newest = _number(current) - KEPT
    there = {name.split("/")[0] for name in BucketStore().names(folder)} - {current}
    _remove(folder, {name for name in there if 0 < _number(name) <= newest})


def _remove(folder: BucketPath, versions: set[str]) -> None:
    found = BucketStore().names(folder)
    folder.client.delete([(folder / name).key for name in found if name.split("/")[0] in versions])
