"""Paths of both kinds: ``pathlib.Path`` for local files and folders, ``BucketPath`` for ``s3://bucket/key``."""
# ruff: noqa: D102

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from nca_assets.errors import NcaError

if TYPE_CHECKING:
    from nca_assets.store.client import Client


class ObjectStat(NamedTuple):
    """The size of an object, in bytes, and when it was written, in seconds since 1970."""

    st_size: int
    st_mtime: float


@dataclass(frozen=True)
class BucketPath:
    """An object, or a prefix of objects, with the methods of ``pathlib.Path`` that this package uses.

    Only ``whole_file`` writes it. Methods raise as those of ``Client`` do.
    """

    bucket: str
    path: PurePosixPath

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}".rstrip("/")

    def __truediv__(self, other: str) -> BucketPath:
        return BucketPath(self.bucket, self.path / other)

    @property
    def key(self) -> str:
        """The object's name in its bucket."""
        return str(self.path)[1:]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def suffix(self) -> str:
        return self.path.suffix

    @property
    def parent(self) -> BucketPath:
        """The prefix without its last part; the bucket itself is its own parent."""
        return BucketPath(self.bucket, self.path.parent)

    def with_name(self, name: str) -> BucketPath:
        return BucketPath(self.bucket, self.path.with_name(name))

    def with_suffix(self, suffix: str) -> BucketPath:
        return BucketPath(self.bucket, self.path.with_suffix(suffix))

    def absolute(self) -> BucketPath:
        return self

    resolve = absolute

    @property
    def client(self) -> Client:
        """The connection to the bucket. Raises ``NcaError`` in a forked process."""
        from nca_assets.store.client import client_of  # obstore is loaded only once a bucket is used

        return client_of(self.bucket)

    def stat(self) -> ObjectStat:
        """Size and time of an object. Raises ``FileNotFoundError`` if it is missing."""
        found = self.client.head(self.key)
        return ObjectStat(found["size"], found["last_modified"].timestamp())

    def is_file(self) -> bool:
        """Whether there is an object of this name."""
        try:
            return bool(self.key and self.stat())
        except FileNotFoundError:
            return False

    def exists(self) -> bool:
        """Whether there is an object of this name, or any below it."""
        return self.is_file() or any(self.client.below(self.key, at_a_time=1))

    def read_bytes(self) -> bytes:
        return self.client.read(self.key)[0]

    def read_text(self) -> str:
        return self.read_bytes().decode()

    def open(self, mode: str = "rb") -> BinaryIO:
        """The whole object as a file in memory."""
        if mode != "rb":
            raise ValueError(f"{self}: objects are written whole, by nca_assets.store.store.whole_file")
        return io.BytesIO(self.read_bytes())

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the object. Raises ``FileNotFoundError`` if it is missing, unless ``missing_ok``."""
        if not missing_ok:
            self.stat()
        self.client.delete(self.key)


Stored = Path | BucketPath
"""A file or folder, local or in a bucket."""


def parse_location(text: str | Stored) -> Stored:
    """A local folder, or ``s3://bucket/prefix``. Raises ``ValueError`` if it is neither."""
    if not isinstance(text, str):
        return text
    if "://" not in text:
        return Path(text)
    bucket, _, prefix = text.removeprefix("s3://").strip("/").partition("/")
    if not text.startswith("s3://") or not bucket:
        raise ValueError("write a folder, or s3://bucket/prefix")
    return BucketPath(bucket, PurePosixPath("/", prefix.lstrip("/")))


def require_fit_path(root: Stored) -> None:
    """Raise ``NcaError`` if the path of a dataset has characters that DuckDB or Polars take for a pattern of names, or
    that are no text of one line."""
    if unfit := re.search(r"[*?\[\0-\x1f\x7f\ud800-\udfff]", str(root.absolute())):
        raise NcaError(
            f"the path {str(root.absolute())!a} of a dataset has the character {unfit[0]!a}: move it to a path without "
            "*, ?, [, line breaks, or bytes that are not UTF-8"
        )


def place_in(data: Stored, file: Stored) -> str:
    """The path of ``file`` relative to the folder ``data``, with slashes; independent of where the folder is."""
    return str(file)[len(str(data)) + 1 :]
