"""Seals: a digest inside each of our own files that reveals any changed bit, and any file under another's name.

A file starts with a blank seal: 64 zeros after ``MARK``. The seal is the SHA-256, in hex, of the file's path in the
data folder, a line break, and the content with the blank seal; it then replaces the zeros.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nca_assets.errors import DamageError, NcaError, OvertakenError, TransientError
from nca_assets.store.location import Stored, place_in
from nca_assets.store.refusals import is_of_the_file, is_transient
from nca_assets.store.store import create, local_copies, whole_file

MARK = b"sealed by sha256 "
ZEROS = b"0" * 64
BLANK = (MARK + ZEROS).decode()

THREADS = 4
"""Files read and hashed concurrently."""


def write_sealed(content: bytes, file: Stored, data: Stored) -> None:
    """Write ``content``, which has a blank seal, to ``file`` in the folder ``data``, sealed.

    Raises ``NcaError`` if the disk refuses.
    """
    with whole_file(file) as out:
        out.write(sealed(content, place_in(data, file)))


def create_sealed(content: bytes, file: Stored, data: Stored) -> bool:
    """As ``write_sealed``, unless the file exists; returns whether it was written."""
    return create(file, sealed(content, place_in(data, file)))


def read_sealed(file: Stored, data: Stored, remedy: str, copy: Path | None = None) -> bytes:
    """The content of ``file`` in the folder ``data``, or of its local ``copy``, with a blank seal.

    Raises ``DamageError`` ending with the ``remedy`` if the file is missing or its seal is invalid, and
    ``TransientError`` if the disk does not answer.
    """
    try:
        return unsealed((copy or file).read_bytes(), place_in(data, file))
    except FileNotFoundError:
        raise DamageError(f"{file} is missing: {remedy}") from None
    except ValueError as error:
        raise DamageError(f"{file} is damaged ({error}): {remedy}") from None
    except OSError as error:
        kind = TransientError if is_transient(error) else DamageError
        raise kind(f"{file} can't be read ({error.strerror or error}): {remedy}") from error


def sound_copies(remedies: Mapping[Stored, str], data: Stored) -> tuple[list[Path], dict[Stored, str]]:
    """Local copies of the files whose seal is valid, in order, and for each of the others, its damage in words.

    ``remedies`` maps each file to its remedy if damaged; one that the disk can't read counts as such. Raises
    ``TransientError`` if the network does not answer, or if a file was removed from a bucket after it was listed.
    """
    try:
        copies = dict(zip(remedies, local_copies(remedies), strict=True))
    except FileNotFoundError:
        raise OvertakenError(f"a file in {data} was removed while it was to be read: run it again") from None

    def damage(file: Stored) -> str:
        try:
            read_sealed(file, data, remedies[file], copies[file])
        except NcaError as error:
            if not is_of_the_file(error):
                raise
            return str(error)
        return ""

    with ThreadPoolExecutor(THREADS) as pool:
        found = dict(zip(remedies, pool.map(damage, remedies), strict=True))
    return [copies[file] for file in remedies if not found[file]], {file: why for file, why in found.items() if why}


def sealed(content: bytes, place: str) -> bytes:
    """``content``, which has a blank seal, with the seal of a file at ``place``."""
    start = content.rindex(MARK) + len(MARK)
    return content[:start] + _digest(content, place) + content[start + len(ZEROS) :]


def unsealed(content: bytes, place: str) -> bytes:
    """``content`` with a blank seal. Raises ``ValueError`` if its seal is not that of a file at ``place``."""
    start = content.rfind(MARK) + len(MARK)
    if start < len(MARK):
        raise ValueError("it has no seal")
    blank = content[:start] + ZEROS + content[start + len(ZEROS) :]
    if content[start : start + len(ZEROS)] != _digest(blank, place):
        raise ValueError("it does not match its seal")
    return blank


def _digest(content: bytes, place: str) -> bytes:
    digest = hashlib.sha256(f"{place}\n".encode())
    digest.update(content)
    return digest.hexdigest().encode()
