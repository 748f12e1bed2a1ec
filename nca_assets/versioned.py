"""What can't be replaced in one step in a bucket: each version lies under a name of its own, and the object ``latest``
says which is the present one. Whoever reads an older one may go on: the last few are kept."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from nca_assets.errors import TransientError
from nca_assets.files import whole_file
from nca_assets.storage import Stored, bucket_of, names

if TYPE_CHECKING:
    from upath import UPath

LATEST = "latest"

KEPT = 3
"""Versions that are kept, the present one included."""

TIME = "%Y%m%dT%H%M%S.%f"
"""What the name of a version begins with, so that names sort in the order of publication."""


def present(folder: Stored) -> Stored:
    """The present version of what is published in ``folder``: a local folder itself, since that is replaced in place.

    Where nothing was published yet, a path that does not exist.
    """
    if isinstance(folder, Path):
        return folder
    try:
        return folder / (folder / LATEST).read_text()
    except FileNotFoundError:
        return folder / "none"


def publish_version(local: Path, folder: UPath, suffix: str = "") -> UPath:
    """Upload a file, or a folder with all that is in it, as the next version in ``folder``; returns where it lies.

    Raises ``NcaError`` if the bucket refuses, or if others published so many versions meanwhile that this one counts
    as old; the present version then stays.
    """
    version = folder / f"{_time_of_next(folder):{TIME}}-{uuid4().hex[:8]}{suffix}"
    files = [file for file in local.rglob("*") if file.is_file()] if local.is_dir() else [local]
    for file in files:
        to = version / file.relative_to(local).as_posix() if local.is_dir() else version
        bucket_of(to).write_from(file, to.path)
    if sum(name > version.name for name in _versions(folder)) >= KEPT:
        raise TransientError(f"{KEPT} newer versions of {folder} were published meanwhile: publish again")
    with whole_file(folder / LATEST) as latest:
        latest.write(version.name.encode())
    _remove_old(folder)
    return version


def _time_of_next(folder: UPath) -> datetime:
    """Now; or, by a clock that is behind those of other publishers, just after the time in the last name."""
    now = datetime.now(UTC)
    for last in _versions(folder)[-1:]:
        with suppress(ValueError):  # a name that is not ours
            now = max(now, datetime.strptime(last.split("-")[0], TIME).replace(tzinfo=UTC) + timedelta(microseconds=1))
    return now


def _versions(folder: UPath) -> list[str]:
    """The names of all versions in ``folder``, those that are being uploaded included, the oldest first."""
    return sorted({name.split("/")[0] for name in names(folder)} - {LATEST})


def _remove_old(folder: UPath) -> None:
    for old in set(_versions(folder)[:-KEPT]) - {present(folder).name}:
        folder.fs.rm((folder / old).path, recursive=True)
