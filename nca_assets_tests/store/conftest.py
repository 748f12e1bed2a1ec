"""Places to store in: prefixes in a bucket of a real S3 server, and local folders."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from nca_assets.store import copies
from nca_assets.store.location import BucketPath, Stored
from nca_assets_tests.servers import S3, stopped
from nca_assets_tests.store.gateway import Gateway, gateway


@pytest.fixture(scope="package")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    folder = tmp_path_factory.mktemp("s3")
    with stopped(S3(folder)) as server, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(copies, "CACHE", folder / "cache" / "nca-assets")
        yield server


@pytest.fixture
def prefix(s3: S3, request: pytest.FixtureRequest) -> BucketPath:
    """A prefix of the test's own."""
    assert s3
    return BucketPath("nca", PurePosixPath("/", request.node.name))


@pytest.fixture
def gate(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """The same server as one that heeds conditions and answers ranges, for the time of the test."""
    with gateway(s3) as (gate, address):
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        yield gate


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Stored:
    """A place of the test's own in each kind of store."""
    return tmp_path / "data" if request.param == "folder" else request.getfixturevalue("prefix")
