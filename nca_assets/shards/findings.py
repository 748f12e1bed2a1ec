"""Findings: damage to a shard or its labels, on file from its verification until they verify or are made again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.store.location import Stored
from nca_assets.store.refusals import refusals_of_the_disk
from nca_assets.store.store import names, whole_file


@contextmanager
def recording_finding(finding: Stored) -> Iterator[None]:
    """Record a ``DamageError`` of the block in the file ``finding``; other errors say nothing about the data."""
    try:
        yield
    except DamageError as error:
        with whole_file(finding) as file:
            file.write(str(error).encode())
        raise


def clear_finding(finding: Stored) -> None:
    """Remove the finding recorded in the file ``finding``. Raises ``NcaError`` if the disk refuses."""
    with refusals_of_the_disk(finding):
        finding.unlink(missing_ok=True)


def recorded_findings(data: DataFolder) -> dict[str, str]:
    """The findings by partition key, followed by ``.labels`` if they concern a shard's labels."""
    files = (data / "findings" / name for name in sorted(names(data / "findings")) if name.endswith(".txt"))
    return {file.stem: _text(file) for file in files}


def _text(file: Stored) -> str:
    try:
        return file.read_bytes().decode(errors="replace")
    except OSError as error:
        return f"{file} can't be read ({error.strerror or error}): remove it and verify again"
