"""Local copies of objects, by version, for DuckDB, memory maps and archives, which need local files."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from nca_assets.store.location import BucketPath
from nca_assets.store.replace import replaced_file

if TYPE_CHECKING:
    from obstore import ObjectMeta

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nca-assets"
"""Folder of the copies, which may be deleted at will."""

MAX_CACHED = 50e9
"""Bytes of copies to keep; beyond, the least recently used are removed."""

IN_USE = 3600.0
"""Seconds after its last use during which a copy is not removed."""

AT_ONCE = 16
"""Files fetched concurrently."""


def copies_of(found: Sequence[tuple[BucketPath, ObjectMeta]]) -> list[Path]:
    """A copy of each object in the version ``found``; missing copies are fetched."""
    copies = [_place(file, meta["e_tag"] or "") for file, meta in found]
    missing = {copy: file for copy, (file, _) in zip(copies, found, strict=True) if not copy.exists()}
    if missing:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_fetch, missing.values(), missing))
        _make_room(CACHE)
    for copy in set(copies):
        os.utime(copy)
    return copies


def _place(file: BucketPath, tag: str) -> Path:
    # The object's own path comes last, since some names carry meaning.
    return CACHE / "versions" / tag.strip('"') / file.bucket / file.key


def first_copy(file: BucketPath) -> Path:
    """A copy of the object in the version that this process saw first."""
    if not (copy := _first_copy(file)).exists():  # removed to make room
        _first_copy.cache_clear()
        copy = _first_copy(file)
    return copy


@lru_cache(maxsize=1024)
def _first_copy(file: BucketPath) -> Path:
    return copies_of([(file, file.client.head(file.key))])[0]


def _fetch(file: BucketPath, copy: Path) -> None:
    content = file.client.get(file.key)
    with replaced_file(copy) as out:
        for chunk in content.stream():
            out.write(chunk)


def _make_room(cache: Path) -> None:
    files = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in cache.rglob("*") if file.is_file())
    total = sum(size for _, size, _ in files)
    for used, size, file in files:
        if total <= MAX_CACHED or time.time() - used < IN_USE:
            return
        file.unlink(missing_ok=True)
        total -= size
