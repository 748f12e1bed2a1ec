"""Errors of disks as one-line messages: what, where, and the remedy."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from nca_assets.errors import DamageError, DiskFullError, NcaError, TransientError
from nca_assets.store.location import Stored

_FULL = (errno.ENOSPC, errno.EDQUOT)
_TRANSIENT = (
    errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENETDOWN, errno.EMFILE,
    errno.ENFILE, errno.ENOMEM,
)  # fmt: skip
_KINDS = dict.fromkeys(_FULL, DiskFullError) | dict.fromkeys(_TRANSIENT, TransientError)


def is_transient(error: OSError) -> bool:
    """Whether the disk's failure may pass on a retry."""
    return error.errno in _TRANSIENT


def is_of_the_file(error: NcaError) -> bool:
    """Whether the file itself is at fault: missing, damaged, or apparently on an unreadable sector of the disk."""
    cause = error.__cause__
    return isinstance(error, DamageError) or (isinstance(cause, OSError) and cause.errno == errno.EIO)


@contextmanager
def refusals_of_the_disk(path: Stored) -> Iterator[None]:
    """Turn an ``OSError`` of the block, which writes ``path``, into the kind of ``NcaError`` that fits."""
    try:
        yield
    except OSError as error:
        kind = _KINDS.get(error.errno or 0, NcaError)
        elsewhere = error.filename and os.path.dirname(str(error.filename)) != str(path.parent)  # noqa: PTH120
        reason = f"{error.strerror or error}{f' ({error.filename})' if elsewhere else ''}"
        raise kind(
            f"can't write {path}: {reason}. Free space or make the folder writable, then run it again."
        ) from error
