"""Bucket failures are one-line errors with place and remedy, never the client library's exceptions."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

import nca_assets as nca
from nca_assets.errors import NcaError, TransientError
from nca_assets.store.location import BucketPath
from nca_assets.store.store import create, in_parts, local_copy, names, publish_version, sizes, versions, whole_file
from nca_assets.vocabulary.centroids import read_centroids
from nca_assets_tests.servers import take_storage_down

FILE = BucketPath("nca", PurePosixPath("/data/file"))


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    take_storage_down(monkeypatch)


def write(file: BucketPath) -> None:
    with whole_file(file) as out:
        out.write(b"content")


REQUESTS: dict[str, Callable[[], object]] = {
    "stat": FILE.stat,
    "exists": FILE.exists,
    "read": FILE.read_bytes,
    "remove": FILE.unlink,
    "list": lambda: list(names(FILE.parent)),
    "sizes": lambda: sizes(FILE.parent),
    "versions": lambda: versions([FILE]),
    "copy": lambda: local_copy(FILE),
    "parts": lambda: in_parts(FILE),
    "write": lambda: write(FILE),
    "create": lambda: create(FILE, b"content"),
    "publish": lambda: publish_version(Path(__file__), FILE, FILE / "none"),
    "vocabulary": lambda: read_centroids(FILE),
    "open": lambda: nca.open(str(FILE.parent)),
    "sql": lambda: nca.sql("FROM labels", str(FILE.parent)),
}


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_storage_that_does_not_answer_may_answer_later(request_: Callable[[], object]) -> None:
    with pytest.raises(
        TransientError, match=r"^http://127.* can't be reached or does not answer: check AWS_"
    ) as raised:
        request_()
    assert len(str(raised.value).splitlines()) == 1


def test_a_missing_bucket_is_named(prefix: BucketPath) -> None:
    missing = BucketPath("no-such-bucket", prefix.path)
    with pytest.raises(NcaError, match=r"has no such bucket \(from NCA_DATA\): create it, or correct NCA_DATA"):
        list(names(missing))


def test_a_missing_object_is_a_missing_file(prefix: BucketPath) -> None:
    with pytest.raises(FileNotFoundError):
        (prefix / "missing").read_bytes()
