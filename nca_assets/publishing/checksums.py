"""Checksums of a published folder, in the format of ``sha256sum -c``."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from nca_assets.errors import NcaError
from nca_assets.publishing.layout import CHECKSUMS
from nca_assets.store.location import Stored
from nca_assets.store.store import names_below

Sums = dict[str, str]
"""SHA-256 of each file, by its name in the folder."""


def sums_of(folder: Stored) -> Sums:
    """Checksums of all files except the checksum file and hidden ones, like a repository's own."""
    return {name: _sum(folder / name) for name in _listed_names(folder)}


def _listed_names(folder: Stored) -> list[str]:
    return sorted(name for name in names_below(folder) if name != CHECKSUMS and not _hidden(name))


def write_sums(sums: Sums, folder: Path) -> str:
    """Write the checksum file; returns its own checksum."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    (folder / CHECKSUMS).write_text(lines, encoding="utf-8")
    return _sum(folder / CHECKSUMS)


def check_published(folder: Stored) -> list[str]:
    """Missing, changed and unlisted files of a published folder, a line each; empty if it is intact.

    Raises ``NcaError`` if the folder holds no checksums.
    """
    listed = _read(folder / CHECKSUMS)
    there = {name: _sum_or_none(folder / name) for name in _listed_names(folder)}
    return [
        *(f"{name} is missing" for name in sorted(listed.keys() - there.keys())),
        *(f"{name} has changed" for name in sorted(listed.keys() & there.keys()) if listed[name] != there[name]),
        *(f"{name} is not listed" for name in sorted(there.keys() - listed.keys())),
    ]


def _read(file: Stored) -> Sums:
    try:
        lines = file.read_bytes().decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NcaError(f"{file} can't be read ({error}): give a folder that 'nca publish' wrote") from None
    sums = {}
    for number, line in enumerate(lines, start=1):
        match = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if not match:
            raise NcaError(f"{file} is damaged in line {number}: publish again")
        sums[match[2]] = match[1]
    return sums


def _sum(file: Stored) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()  # pyright: ignore[reportArgumentType]


def _sum_or_none(file: Stored) -> str | None:
    """None if it can't be read."""
    with suppress(OSError):
        return _sum(file)
    return None


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in Path(name).parts)
