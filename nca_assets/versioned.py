"""What can't be replaced in one step in a bucket: each version lies under a name of its own, and the object ``latest``
says which is the present one. Whoever reads an older one may go on: the last few are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from nca_assets.files import whole_file
from nca_assets.storage import Stored, bucket_of, names

if TYPE_CHECKING:
    from upath import UPath

LATEST = "latest"

KEPT = 3
"""Versions that are kept, the present one included."""


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

    Raises ``NcaError`` if the bucket refuses; the version before then stays the present one.
    """
    version = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{uuid4().hex[:8]}{suffix}"
    files = [file for file in local.rglob("*") if file.is_file()] if local.is_dir() else [local]
    for file in files:
        to = version / file.relative_to(local).as_posix() if local.is_dir() else version
        bucket_of(to).write_from(file, to.path)
    with whole_file(folder / LATEST) as latest:
        latest.write(version.name.encode())
    _remove_old(folder)
    return version


def _remove_old(folder: UPath) -> None:
    """Names begin with the time, so their order is that of the versions."""
    for old in sorted({name.split("/")[0] for name in names(folder)} - {LATEST})[:-KEPT]:
        folder.fs.rm((folder / old).path, recursive=True)
