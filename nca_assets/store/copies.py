"""Local copies of objects, by version, for DuckDB, memory maps and archives, which need local files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from nca_assets.store.location import BucketPath
from nca_assets.store.replace import replaced_file

if TYPE_CHECKING:
    from obstore import ObjectMeta

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nca-assets"
"""Folder of the copies, which may be deleted at will."""

COPIES = "versions"
"""The subfolder from which old copies are removed; builds and unpacked shards, beside it, are kept."""

max_gb: Callable[[], float] = lambda: 50  # noqa: E731
"""The GB of copies to keep; beyond it, the least recently used are removed. ``settings``, which this module may not
import, replaces it."""

IN_USE = 3600.0
"""Seconds after its last use during which a copy is not removed."""

AT_ONCE = 16
"""Files fetched concurrently."""


def copies_of(found: Sequence[tuple[BucketPath, ObjectMeta]]) -> list[Path]:
    """A copy of each object in the version ``found``, or in a later one if it was replaced meanwhile."""
    copies = {file: _place(file, meta) for file, meta in found}
    missing = [file for file, copy in copies.items() if not _touch(copy)]
    if missing:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            copies |= zip(missing, pool.map(_fetch, missing), strict=True)
        _make_room(sum(copies[file].stat().st_size for file in missing))
    return [copies[file] for file, _ in found]


def _touch(copy: Path) -> bool:
    """Mark ``copy`` as used; returns whether it exists."""
    try:
        os.utime(copy)
    except FileNotFoundError:
        return False
    return True


def _place(file: BucketPath, meta: ObjectMeta) -> Path:
    # The object's own path comes last, since some names carry meaning.
    return CACHE / COPIES / (meta["e_tag"] or "").strip('"') / file.bucket / file.key


def first_copy(file: BucketPath) -> Path:
    """A copy of the object in the version that this process saw first."""
    if not (copy := _first_copy(file)).exists():  # removed to make room
        _first_copy.cache_clear()
        copy = _first_copy(file)
    return copy


@lru_cache(maxsize=1024)
def _first_copy(file: BucketPath) -> Path:
    return copies_of([(file, file.client.head(file.key))])[0]


def _fetch(file: BucketPath) -> Path:
    meta, content = file.client.download(file.key)
    copy = _place(file, meta)  # of the version received, which may be newer than the one found
    with replaced_file(copy) as out:
        for chunk in content:
            out.write(chunk)
    return copy


def _make_room(fetched: int) -> None:
    """Remove copies beyond the limit, but only once a twentieth of it has been ``fetched`` since the last time, by any
    process: listing all copies takes seconds."""
    limit = max_gb() * 1e9
    counter = CACHE / "mebibytes-fetched"  # one byte each, since appending needs no lock
    with counter.open("ab") as file:
        file.write(bytes(-(-fetched // 2**20)))
    if counter.stat().st_size * 2**20 < limit / 20:
        return
    counter.write_bytes(b"")
    copies: list[tuple[float, int, Path]] = []
    for file in (CACHE / COPIES).rglob("*"):
        with suppress(FileNotFoundError):  # other processes add and remove files meanwhile
            found = file.stat()
            if S_ISREG(found.st_mode):
                copies.append((found.st_mtime, found.st_size, file))
    total = sum(size for _, size, _ in copies)
    for used, size, file in sorted(copies):
        if total <= limit or time.time() - used < IN_USE:
            return
        file.unlink(missing_ok=True)
        total -= size
