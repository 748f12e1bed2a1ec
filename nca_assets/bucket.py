"""Buckets of S3-compatible storage as ``universal-pathlib`` wants them: obstore does the work.

obstore finds address and credentials in the usual ``AWS_*`` variables, or where AWS gives them to its machines.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fsspec import AbstractFileSystem
from obstore.store import S3Store

from nca_assets.errors import NcaError, TransientError

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import RetryConfig

PATIENCE: RetryConfig = {
    "max_retries": 6,
    "backoff": {"init_backoff": timedelta(seconds=0.25), "max_backoff": timedelta(seconds=5), "base": 3},
    "retry_timeout": timedelta(seconds=60),
}
"""How long a request is tried again while the storage does not answer: some ten seconds if it refuses at once."""

LOADED_IN = os.getpid()
"""obstore's threads are in this process alone; in one forked from it, a request would wait for ever."""

REFUSALS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "403 Forbidden")
CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that may read and write there"


class Bucket(AbstractFileSystem):
    """All buckets that one endpoint has. Objects are read whole, and written whole by ``files.whole_file`` alone.

    obstore has such a class too, for asynchronous use; a process that used it can crash as it ends.
    """

    protocol = "s3"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._stores: dict[str, S3Store] = {}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """What is right below a prefix. Raises ``FileNotFoundError`` if that is nothing."""
        store, key, bucket = self._split(path)
        found = store.list_with_delimiter(key)
        entries = [_entry(bucket, item) for item in found["objects"]]
        entries += [
            {"name": f"{bucket}/{prefix}", "size": 0, "type": "directory"} for prefix in found["common_prefixes"]
        ]
        if not entries:
            raise FileNotFoundError(path)
        return entries if detail else sorted(entry["name"] for entry in entries)

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Of an object its size, its version's tag and its time; of a prefix, that it is one."""
        store, key, bucket = self._split(path)
        if key:
            with suppress(FileNotFoundError):
                return _entry(bucket, store.head(key))
        self.ls(path)
        return {"name": path, "size": 0, "type": "directory"}

    def exists(self, path: str, **_: Any) -> bool:
        """Whether there is an object, or one below it; raises what keeps one from knowing."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def rm_file(self, path: str) -> None:
        """Remove an object, if it is there."""
        store, key, _ = self._split(path)
        store.delete(key)

    def read(self, path: str) -> bytes:
        """All of an object. Raises ``FileNotFoundError`` if it is missing."""
        store, key, _ = self._split(path)
        return store.get(key).bytes().to_bytes()

    def write_to(self, file: BinaryIO, path: str) -> None:
        """Copy an object of any size to ``file``. Raises ``FileNotFoundError`` if it is missing."""
        store, key, _ = self._split(path)
        for chunk in store.get(key).stream():
            file.write(chunk)

    def write_from(self, file: Path, path: str) -> None:
        """Make an object of a local file of any size: it is there when all of it is."""
        store, key, _ = self._split(path)
        store.put(key, file)

    def names_below(self, path: str) -> Iterator[str]:
        """What objects are called from the prefix ``path`` on, listed a thousand at a time as one asks on."""
        store, key, _ = self._split(path)
        prefix = f"{key}/" if key else ""
        for chunk in store.list(prefix):
            yield from (item["path"].removeprefix(prefix) for item in chunk)

    def _open(self, path: str, mode: str = "rb", *_: Any, **__: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        if mode != "rb":
            raise ValueError(f"{path}: objects are written whole, by nca_assets.files.whole_file")
        return io.BytesIO(self.read(path))

    def _split(self, path: str) -> tuple[S3Store, str, str]:
        if os.getpid() != LOADED_IN:
            raise NcaError(
                "a forked process can't read buckets: start workers with 'spawn' or 'forkserver' "
                "(torch's DataLoader: multiprocessing_context='spawn')"
            )
        bucket, _, key = str(self._strip_protocol(path)).partition("/")
        if bucket not in self._stores:
            plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
            self._stores[bucket] = S3Store(bucket, client_options={"allow_http": plain}, retry_config=PATIENCE)
        return self._stores[bucket], key, bucket


def _entry(bucket: str, item: ObjectMeta) -> dict[str, Any]:
    return {
        "name": f"{bucket}/{item['path']}",
        "size": item["size"],
        "type": "file",
        "e_tag": item["e_tag"],
        "last_modified": item["last_modified"],
    }


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
