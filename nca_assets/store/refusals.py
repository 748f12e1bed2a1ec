"""Errors of disks and buckets as one-line messages: what, where, and the remedy."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from nca_assets.errors import DiskFullError, NcaError, TransientError
from nca_assets.store.location import Stored

_FULL = (errno.ENOSPC, errno.EDQUOT)
_TRANSIENT = (
    errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENETDOWN, errno.EMFILE,
    errno.ENFILE, errno.ENOMEM,
)  # fmt: skip
_KINDS = dict.fromkeys(_FULL, DiskFullError) | dict.fromkeys(_TRANSIENT, TransientError)

_DENIED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "403 Forbidden")
_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that may read and write there"


def is_transient(error: OSError) -> bool:
    """Whether the disk's failure may pass on a retry."""
    return error.errno in _TRANSIENT


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


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn a storage error of the block into the kind of ``NcaError`` that fits."""
    try:
        yield
    except NcaError:
        raise
    except Exception as error:
        if refusal := _refusal_of_the_storage(error):
            raise refusal from error
        raise


def _refusal_of_the_storage(error: Exception) -> NcaError | None:
    """The fault and its remedy, if ``error`` came from the storage and is not a missing object."""
    text = str(error)
    missing_bucket = "NoSuchBucket" in text
    if not type(error).__module__.startswith("obstore") and not missing_bucket:
        return None
    where = os.environ.get("AWS_ENDPOINT_URL", "S3")
    if missing_bucket:
        return NcaError(f"{where} has no such bucket (from NCA_DATA): create it, or correct NCA_DATA")
    if "latest/api/token" in text or "latest/meta-data" in text:
        return NcaError(f"no credentials for {where}: {_CREDENTIALS}")
    for denial in _DENIED:
        if denial in text:
            return NcaError(f"{where} refuses these credentials ({denial}): {_CREDENTIALS}")
    reason = text.splitlines()[0]
    if "error sending request" in text or "HTTP error" in text or " status code: 5" in text:
        return TransientError(
            f"{where} can't be reached or does not answer: check AWS_ENDPOINT_URL and the network, then run it again "
            f"({reason[:160]})"
        )
    return NcaError(f"{where} failed: {reason[:300]}")
