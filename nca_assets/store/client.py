"""Connections to buckets through obstore, which only this module imports, and only once a bucket is used.

Address and credentials come from the usual ``AWS_*`` variables or, on AWS, from the instance's metadata.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from nca_assets.errors import NcaError, TransientError

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode
    from obstore.store import RetryConfig

PATIENCE: RetryConfig = {
    "max_retries": 6,
    "backoff": {"init_backoff": timedelta(seconds=0.25), "max_backoff": timedelta(seconds=5), "base": 3},
    "retry_timeout": timedelta(seconds=60),
}
"""Retries of a request while the storage does not answer: some ten seconds if it refuses at once."""

LOADED_IN = os.getpid()
"""The process of obstore's threads; in one forked from it, a request would wait forever."""

NO_BUCKET = "NoSuchBucket"
DENIED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "403 Forbidden")
CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that may read and write there"


@dataclass(frozen=True)
class Client:
    """The connection to a bucket.

    All methods raise ``NcaError`` if the storage refuses, ``TransientError`` if it does not answer, and
    ``FileNotFoundError`` if the object is missing.
    """

    store: S3Store

    def head(self, key: str) -> ObjectMeta:
        """An object's metadata: size, time and ETag."""
        with _clear_errors():
            return self.store.head(key)

    def read(self, key: str) -> tuple[bytes, ObjectMeta]:
        """An object's content and metadata."""
        with _clear_errors():
            found = self.store.get(key)
            return found.bytes().to_bytes(), found.meta

    def read_part(self, key: str, start: int, stop: int, tag: str) -> bytes | None:
        """Bytes ``start`` to ``stop`` of an object, None unless its ETag is ``tag``."""
        with _clear_errors():
            try:
                found = self.store.get(key, options={"range": (start, stop), "if_match": tag})
            except PreconditionError:
                return None
            return found.bytes().to_bytes() if found.meta["e_tag"] == tag else None

    def download(self, key: str) -> tuple[ObjectMeta, Iterator[bytes]]:
        """An object's metadata, and its content in chunks."""
        with _clear_errors():
            found = self.store.get(key)

        def chunks() -> Iterator[bytes]:
            with _clear_errors():
                yield from found.stream()

        return found.meta, chunks()

    def below(self, prefix: str, at_a_time: int = 1000) -> Iterator[ObjectMeta]:
        """All objects below ``prefix``, listed in pages."""
        with _clear_errors():
            for page in self.store.list(prefix, chunk_size=at_a_time):
                yield from page

    def directly_in(self, prefix: str) -> Sequence[ObjectMeta]:
        """The objects directly in ``prefix``."""
        with _clear_errors():
            return self.store.list_with_delimiter(prefix)["objects"]

    def upload(self, key: str, local: Path) -> None:
        """Write an object of any size; it appears once it is complete."""
        with _clear_errors():
            self.store.put(key, local)

    def put_if(self, condition: PutMode, key: str, content: bytes) -> bool:
        """Write an object, unless it exists (``"create"``) or has another ETag (``{"e_tag": …}``); returns whether it
        was written."""
        with _clear_errors():
            try:
                self.store.put(key, content, mode=condition, use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

    def delete(self, keys: str | Sequence[str]) -> None:
        """Remove objects."""
        with _clear_errors():
            self.store.delete(keys)


def client_of(bucket: str) -> Client:
    """The connection to a bucket, made once per process. Raises ``NcaError`` in a forked process."""
    if os.getpid() != LOADED_IN:
        raise NcaError(
            "a forked process can't read buckets: start workers with 'spawn' or 'forkserver' "
            "(torch's DataLoader: multiprocessing_context='spawn')"
        )
    return _connect(bucket, os.environ.get("AWS_ENDPOINT_URL", ""))


@cache
def _connect(bucket: str, endpoint: str) -> Client:
    plain = endpoint.startswith("http://")
    with _clear_errors():
        return Client(S3Store(bucket, client_options={"allow_http": plain}, retry_config=PATIENCE))


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Translate storage errors into one-line ``NcaError``s; a missing object stays a ``FileNotFoundError``."""
    try:
        yield
    except (FileNotFoundError, BaseError) as error:
        if isinstance(error, FileNotFoundError) and NO_BUCKET not in str(error):
            raise
        raise _refusal(str(error)) from error


def _refusal(text: str) -> NcaError:
    """The fault and its remedy."""
    where, reason = os.environ.get("AWS_ENDPOINT_URL", "S3"), text.splitlines()[0]
    if NO_BUCKET in text:
        return NcaError(f"{where} has no such bucket (from NCA_DATA): create it, or correct NCA_DATA")
    if "latest/api/token" in text or "latest/meta-data" in text:
        return NcaError(f"no credentials for {where}: {CREDENTIALS}")
    for denial in DENIED:
        if denial in text:
            return NcaError(f"{where} refuses these credentials ({denial}): {CREDENTIALS}")
    if "error sending request" in text or "HTTP error" in text or " status code: 5" in text:
        return TransientError(
            f"{where} can't be reached or does not answer: check AWS_ENDPOINT_URL and the network, then run it again "
            f"({reason[:160]})"
        )
    return NcaError(f"{where} failed: {reason[:300]}")
