"""Buckets of S3-compatible storage as ``universal-pathlib`` wants them: obstore does the work.

obstore finds address and credentials in the usual ``AWS_*`` variables, or where AWS gives them to its machines.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

from obstore.fsspec import FsspecStore

from nca_assets.errors import NcaError, TransientError

if TYPE_CHECKING:
    from obstore.store import RetryConfig

PATIENCE: RetryConfig = {"max_retries": 8, "retry_timeout": timedelta(seconds=60)}
"""How long a request is tried again while the storage does not answer: some 20 seconds if it refuses at once."""

REFUSALS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "403 Forbidden")
CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that may read and write there"


class Bucket(FsspecStore):
    """All buckets that one endpoint has. Files are read whole, which every server knows how to answer."""

    protocol = "s3"

    def __init__(self, **options: Any) -> None:
        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        super().__init__("s3", client_options={"allow_http": plain}, retry_config=PATIENCE, **options)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> io.BytesIO:  # pyright: ignore[reportIncompatibleMethodOverride]
        if mode != "rb":
            raise ValueError(f"{path}: objects are written whole, by nca_assets.files.whole_file")
        return io.BytesIO(self.cat_file(path))  # pyright: ignore[reportArgumentType]

    def names_below(self, path: str) -> Iterator[str]:
        """What objects are called from the prefix ``path`` on, listed a thousand at a time as one asks on."""
        bucket, _, prefix = path.partition("/")
        prefix = f"{prefix}/".lstrip("/")
        for chunk in self._construct_store(bucket).list(prefix):
            yield from (entry["path"].removeprefix(prefix) for entry in chunk)

    def write_to(self, file: BinaryIO, path: str) -> None:
        """Write object ``path`` to ``file``, whatever its size. Raises ``FileNotFoundError`` if it is missing."""
        bucket, _, key = path.partition("/")
        for chunk in self._construct_store(bucket).get(key).stream():
            file.write(chunk)


def trouble(error: Exception) -> NcaError | None:
    """What is wrong with the storage and what to do, if ``error`` came from it and is no plain missing file."""
    text = str(error)
    missing_bucket = "NoSuchBucket" in text
    if not type(error).__module__.startswith("obstore") and not missing_bucket:
        return None
    where = os.environ.get("AWS_ENDPOINT_URL", "S3")
    if missing_bucket:
        return NcaError(f"{where} has no such bucket as NCA_DATA names: make it, or correct NCA_DATA")
    if "latest/api/token" in text or "latest/meta-data" in text:
        return NcaError(f"there are no credentials for {where}: {CREDENTIALS}")
    for refusal in REFUSALS:
        if refusal in text:
            return NcaError(f"{where} refuses these credentials ({refusal}): {CREDENTIALS}")
    reason = text.splitlines()[0]
    if "error sending request" in text or "HTTP error" in text or " status code: 5" in text:
        return TransientError(
            f"{where} can't be reached or does not answer: check AWS_ENDPOINT_URL and the network, then run it again "
            f"({reason[:160]})"
        )
    return NcaError(f"{where} failed: {reason[:300]}")
