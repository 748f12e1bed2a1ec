"""Where data lie: in a local folder, or under a prefix of a bucket. Paths of both kinds, and what differs.

Both have the methods of ``pathlib.Path`` that we use; files are written by ``files.whole_file`` alone. What must be
local (DuckDB, memory maps, random access in archives) works on copies, which are kept by version.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from nca_assets.errors import NcaError

if TYPE_CHECKING:
    from upath import UPath

    from nca_assets.bucket import Bucket

    Stored = Path | UPath
else:
    Stored = Path  # so that who has no bucket need not wait for fsspec, a tenth of a second
"""A file or folder, local or in a bucket."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nca-assets"
"""Where local copies of what lies in buckets are kept. They may be deleted at will."""

MOST_CACHED = 50e9
"""Bytes of copies to keep; beyond, those that were not used for the longest time go."""

IN_USE = 3600.0
"""Seconds from its last use on in which a copy is not removed."""

AT_ONCE = 16
"""Files that are fetched side by side."""


def parse_location(text: str | Stored) -> Stored:
    """A local folder, or ``s3://bucket/prefix``. Raises ``ValueError`` if it is neither."""
    if not isinstance(text, str):
        return text
    if "://" not in text:
        return Path(text)
    if not text.startswith("s3://") or not text.removeprefix("s3://").strip("/"):
        raise ValueError("write a folder, or s3://bucket/prefix")
    from fsspec.registry import register_implementation
    from upath import UPath

    register_implementation("s3", "nca_assets.bucket.Bucket", clobber=True)
    return UPath(text.rstrip("/"))


@contextmanager
def clear_errors() -> Iterator[None]:
    """Raise what a bucket's storage says as ``NcaError``: what, where, and what to do."""
    try:
        yield
    except NcaError:
        raise
    except Exception as error:
        # Without a bucket in use nothing comes from one, and its client need not be loaded to see that.
        if "nca_assets.bucket" in sys.modules:
            from nca_assets.bucket import trouble

            if said := trouble(error):
                raise said from error
        raise


def bucket_of(path: UPath) -> Bucket:
    """What reads and writes in the bucket of ``path``."""
    return path.fs  # pyright: ignore[reportReturnType]


def names(folder: Stored) -> Iterator[str]:
    """The names of the files in ``folder``, in no order; no more are listed than are asked for, or a thousand.

    Raises ``NcaError`` if the folder can't be read.
    """
    if isinstance(folder, Path):
        with _scan(folder) as entries:
            yield from (entry.name for entry in entries)
        return
    yield from bucket_of(folder).names_below(folder.path)


def names_below(folder: Stored) -> Iterator[str]:
    """The names of the files in the folders in ``folder``, like ``set=1/shard=00000.parquet``, in no order.

    Raises ``NcaError`` if a folder can't be read.
    """
    if not isinstance(folder, Path):
        yield from names(folder)
        return
    for inner in names(folder):
        if not (folder / inner).is_file():
            yield from (f"{inner}/{name}" for name in names(folder / inner))


def _scan(folder: Path) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
    """What is in ``folder``: nothing if it is missing. Raises ``NcaError`` if it can't be read."""
    try:
        return os.scandir(folder)
    except FileNotFoundError:
        return nullcontext(iter(()))
    except OSError as error:
        raise NcaError(f"can't read the folder {folder}: {error.strerror}. Make it a readable folder.") from error


def sizes(folder: Stored) -> dict[str, int]:
    """The size of each file in ``folder``, by name."""
    return {name: entry["size"] for name, entry in _listed(folder).items()}


def appeared(file: Stored) -> float:
    """When a file came to be seen under its name, in seconds since 1970: later than it was written."""
    return file.stat().st_ctime if isinstance(file, Path) else file.stat().st_mtime


def cache_of(data: Stored) -> Path:
    """A local folder for what is derived from ``data`` and must be local: ``data`` itself if it is."""
    return data if isinstance(data, Path) else CACHE / data.path


def local_copy(file: Stored) -> Path:
    """``file`` itself, or a local copy of what it is now. Raises ``FileNotFoundError`` if it is missing."""
    return file if isinstance(file, Path) else _kept([file], [bucket_of(file).info(file.path)])[0]


def local_copies(files: Iterable[Stored]) -> list[Path]:
    """The same for many, of which each folder is listed once, and which are fetched many at a time."""
    files = list(files)
    listings = {folder: _listed(folder) for folder in {file.parent for file in files if not isinstance(file, Path)}}
    return _kept(files, [None if isinstance(file, Path) else listings[file.parent].get(file.name) for file in files])


def _kept(files: list[Any], entries: list[dict[str, Any] | None]) -> list[Path]:
    """The copies of ``files``, fetched if need be; ``entries`` say which version each is of now."""
    copies = [_copy_of(file, entry) for file, entry in zip(files, entries, strict=True)]
    wanted = {copy: file for copy, file in zip(copies, files, strict=True) if copy != file and not copy.exists()}
    if wanted:
        _fetch(wanted)
        _make_room(CACHE)
    for copy in {copy for copy, file in zip(copies, files, strict=True) if copy != file}:
        os.utime(copy)
    return copies


def _copy_of(file: Stored, entry: dict[str, Any] | None) -> Path:
    if isinstance(file, Path):
        return file
    if entry is None:
        raise FileNotFoundError(f"{file} is missing")
    # The path as it is comes last, since some names say what is in a file.
    return CACHE / "versions" / entry["e_tag"].strip('"') / file.path


def _fetch(wanted: dict[Path, Any]) -> None:
    """Each file of ``wanted`` to where it is wanted, which it takes in one step."""

    def fetch(copy: Path) -> None:
        copy.parent.mkdir(parents=True, exist_ok=True)
        temporary = copy.with_name(f".{copy.name}.{uuid4().hex[:12]}")
        try:
            with temporary.open("xb") as out:
                bucket_of(wanted[copy]).write_to(out, wanted[copy].path)
            temporary.replace(copy)
        finally:
            temporary.unlink(missing_ok=True)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(fetch, wanted))


def _make_room(cache: Path) -> None:
    files = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in cache.rglob("*") if file.is_file())
    total = sum(size for _, size, _ in files)
    for used, size, file in files:
        if total <= MOST_CACHED or time.time() - used < IN_USE:
            return
        file.unlink(missing_ok=True)
        total -= size


def _listed(folder: Stored) -> dict[str, Any]:
    """The files in ``folder`` by name, each with its size and, in a bucket, what names its version."""
    if isinstance(folder, Path):
        with _scan(folder) as entries:
            return {entry.name: {"size": entry.stat().st_size} for entry in entries if entry.is_file()}
    with suppress(FileNotFoundError):
        found = folder.fs.ls(folder.path, detail=True)
        return {entry["name"].rpartition("/")[2]: entry for entry in found if entry["type"] == "file"}
    return {}
