"""Buckets as a store. The functions in ``store`` document the methods.

An object can be replaced in one step, but a folder can't, and files that others have open should stay. So each version
of these has its own name, and the object ``latest`` holds the name of the current one.
"""
# ruff: noqa: D102

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

from nca_assets.errors import TransientError
from nca_assets.store import copies
from nca_assets.store.location import BucketPath
from nca_assets.store.refusals import clear_errors, refusals_of_the_disk

if TYPE_CHECKING:
    from obstore import ObjectMeta

LATEST = "latest"

KEPT = 3
"""Versions to keep, the current one included, so that readers of an older one can finish."""

TIME = "%Y%m%dT%H%M%S.%f"
"""Prefix of a version's name, so that names sort in order of publication."""


class BucketStore:
    """All buckets of one endpoint."""

    def names(self, folder: BucketPath) -> Iterator[str]:
        start = len(folder.key) + 1 if folder.key else 0
        for chunk in folder.client.list(folder.key):
            yield from (item["path"][start:] for item in chunk)

    names_below = names

    def sizes(self, folder: BucketPath) -> dict[str, int]:
        return {name: item["size"] for name, item in _listed(folder).items()}

    def modified_at(self, file: BucketPath) -> float:
        return file.stat().st_mtime

    def stamp(self, file: BucketPath) -> int:  # noqa: ARG002
        return 0

    def cache_of(self, data: BucketPath) -> Path:
        return copies.CACHE / data.bucket / data.key

    def local_copies(self, files: Sequence[BucketPath]) -> list[Path]:
        if len(files) == 1:
            with suppress(FileNotFoundError):  # a listing, below, tells a missing bucket from a missing object
                return copies.copies_of([(files[0], files[0].client.head(files[0].key))])
        listings = {folder: _listed(folder) for folder in {file.parent for file in files}}
        found = [(file, listings[file.parent].get(file.name)) for file in files]
        if missing := [str(file) for file, meta in found if meta is None]:
            raise FileNotFoundError(f"{missing[0]} is missing")
        return copies.copies_of([(file, meta) for file, meta in found if meta])

    def first_copy(self, file: BucketPath) -> Path:
        return copies.first_copy(file)

    @contextmanager
    def whole_file(self, file: BucketPath) -> Iterator[BinaryIO]:
        with refusals_of_the_disk(Path(tempfile.gettempdir())), clear_errors(), tempfile.NamedTemporaryFile() as local:
            yield local  # pyright: ignore[reportReturnType]
            local.flush()
            _upload(Path(local.name), file)

    def create(self, file: BucketPath, content: bytes) -> bool:
        from obstore.exceptions import AlreadyExistsError

        with clear_errors():
            if file.is_file():  # some servers ignore the condition below
                return False
            try:
                file.client.put(file.key, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
            return True

    def current(self, path: BucketPath, versions: BucketPath | None) -> BucketPath:
        folder = versions or path
        try:
            return folder / (folder / LATEST).read_text()
        except FileNotFoundError:
            return folder / "none"

    def publish_version(self, local: Path, path: BucketPath, versions: BucketPath | None) -> BucketPath:
        folder = versions or path
        version = folder / f"{_time_of_next(folder):{TIME}}-{uuid4().hex[:8]}{path.suffix}"
        for file in [file for file in local.rglob("*") if file.is_file()] if local.is_dir() else [local]:
            _upload(file, version / file.relative_to(local).as_posix())
        if sum(name > version.name for name in _versions(folder)) >= KEPT:
            raise TransientError(f"{KEPT} newer versions of {folder} were published meanwhile: publish again")
        with self.whole_file(folder / LATEST) as latest:
            latest.write(version.name.encode())
        _remove_old(folder)
        return version

    def require_writable(self, folder: BucketPath) -> None:
        with self.whole_file(folder / ".writable"):
            pass
        with clear_errors():
            (folder / ".writable").unlink()

    def free_bytes(self, folder: BucketPath) -> int | None:  # noqa: ARG002
        return None


def _listed(folder: BucketPath) -> dict[str, ObjectMeta]:
    """The objects directly below ``folder``, by name."""
    found = folder.client.list_with_delimiter(folder.key)["objects"]
    return {item["path"].rpartition("/")[2]: item for item in found}


def _upload(local: Path, file: BucketPath) -> None:
    """Upload a local file of any size; the object appears once it is complete."""
    file.client.put(file.key, local)


def _time_of_next(folder: BucketPath) -> datetime:
    """Now or, if this clock lags behind another publisher's, just after the time of the last version."""
    now = datetime.now(UTC)
    for last in _versions(folder)[-1:]:
        with suppress(ValueError):  # a name that is not ours
            now = max(now, datetime.strptime(last.split("-")[0], TIME).replace(tzinfo=UTC) + timedelta(microseconds=1))
    return now


def _versions(folder: BucketPath) -> list[str]:
    """The names of all versions in ``folder``, oldest first, including those being uploaded."""
    return sorted({name.split("/")[0] for name in BucketStore().names(folder)} - {LATEST})


def _remove_old(folder: BucketPath) -> None:
    store = BucketStore()
    old = set(_versions(folder)[:-KEPT]) - {store.current(folder, None).name}
    folder.client.delete([(folder / name).key for name in store.names(folder) if name.split("/")[0] in old])
