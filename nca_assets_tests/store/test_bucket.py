"""Buckets of a real S3 server: objects whole or not at all, versions, local copies, and one creator of a file."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nca_assets.errors import TransientError
from nca_assets.store import bucket, copies
from nca_assets.store.bucket import KEPT, LATEST
from nca_assets.store.location import BucketPath, Stored
from nca_assets.store.store import create, current, local_copies, local_copy, names, publish_version, whole_file


def write(path: Stored, content: bytes) -> None:
    with whole_file(path) as file:
        file.write(content)


def test_an_object_appears_when_it_is_whole(prefix: BucketPath) -> None:
    file = prefix / "below" / "object"
    with whole_file(file) as opened:
        opened.write(b"x" * 20_000_000)  # in several parts
        assert not file.exists()
    assert file.stat().st_size == 20_000_000
    assert file.read_bytes() == b"x" * 20_000_000
    with pytest.raises(ValueError, match="objects are written whole"):
        file.open("wb")


def test_a_local_copy_is_of_the_present_version_and_fetched_once(prefix: BucketPath) -> None:
    file = prefix / "object"
    write(file, b"one")
    copy = local_copy(file)
    assert copy.read_bytes() == b"one"
    identity = copy.stat().st_ino
    assert local_copy(file).stat().st_ino == identity
    write(file, b"two")
    assert local_copy(file).read_bytes() == b"two"
    with pytest.raises(FileNotFoundError):
        local_copies([file, prefix / "missing"])


def test_copies_that_were_not_used_make_room(prefix: BucketPath, monkeypatch: pytest.MonkeyPatch) -> None:
    write(prefix / "old", b"old")
    old = local_copy(prefix / "old")
    os.utime(old, (0, 0))
    monkeypatch.setattr(copies, "MAX_CACHED", 0)
    write(prefix / "new", b"new")
    new = local_copy(prefix / "new")
    assert not old.exists()
    assert new.exists()  # in use
    assert local_copy(prefix / "old").read_bytes() == b"old"


def test_the_last_few_versions_are_kept(prefix: BucketPath, tmp_path: Path) -> None:
    assert not current(prefix).exists()
    for number in range(KEPT + 2):
        (tmp_path / "below").mkdir(exist_ok=True)
        (tmp_path / "below" / "file").write_text(str(number))
        version = publish_version(tmp_path, prefix)
        assert current(prefix) == version
        assert (version / "below" / "file").read_text() == str(number)
    assert len({name.split("/")[0] for name in names(prefix)}) == KEPT + 1  # and "latest"


class Behind(datetime):
    """The clock of a machine that is two minutes behind."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Behind":
        return super().now(tz) - timedelta(minutes=2)


def publish_text(text: str, prefix: BucketPath, tmp_path: Path) -> Stored:
    (tmp_path / "published.txt").write_text(text)
    return publish_version(tmp_path / "published.txt", prefix / "name.txt", prefix)


def test_versions_of_a_publisher_whose_clock_is_behind_are_kept_like_any_others(
    prefix: BucketPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = [publish_text(str(number), prefix, tmp_path) for number in range(KEPT)]
    with monkeypatch.context() as behind:
        behind.setattr(bucket, "datetime", Behind)
        published += [publish_text(f"late {number}", prefix, tmp_path) for number in range(2)]
    published.append(publish_text("last", prefix, tmp_path))
    assert [version.exists() for version in published] == [False] * KEPT + [True] * KEPT
    assert current(prefix) == published[-1]
    assert [version.read_text() for version in published[-KEPT:]] == ["late 0", "late 1", "last"]


def test_the_present_version_is_never_removed_whatever_its_name(prefix: BucketPath) -> None:
    oldest = prefix / "19700101T000000.000000-oldest.txt"
    write(oldest, b"present")
    for year in range(2000, 2000 + KEPT):
        write(prefix / f"{year}0101T000000.000000-newer.txt", b"newer")
    write(prefix / LATEST, oldest.name.encode())
    bucket._remove_old(prefix)
    assert current(prefix).read_text() == "present"


def test_a_version_that_was_overtaken_by_many_while_it_was_uploaded_is_not_made_the_present_one(
    prefix: BucketPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[Stored] = []

    def overtaken(local: Path, file: BucketPath) -> None:
        monkeypatch.undo()
        (tmp_path / "others").mkdir()
        others.extend(publish_text(str(number), prefix, tmp_path / "others") for number in range(KEPT))
        bucket._upload(local, file)

    monkeypatch.setattr(bucket, "_upload", overtaken)
    with pytest.raises(TransientError, match=r"3 newer versions of .* were published meanwhile: publish again"):
        publish_text("slow", prefix, tmp_path)
    assert current(prefix) == others[-1]
    assert publish_text("again", prefix, tmp_path) == current(prefix)
    assert len(bucket._versions(prefix)) == KEPT


FORKED = """
import os, sys
from pathlib import PurePosixPath
from nca_assets.errors import NcaError
from nca_assets.store.location import BucketPath

file = BucketPath("nca", PurePosixPath(sys.argv[1]))
file.read_bytes()
if child := os.fork():
    os.waitpid(child, 0)
else:
    try:
        file.read_bytes()
    except NcaError as error:
        print(error, flush=True)
    os._exit(0)
"""


def test_a_forked_process_is_refused_and_told_what_to_do(prefix: BucketPath) -> None:
    write(prefix / "object", b"content")
    program = [sys.executable, "-c", FORKED, str((prefix / "object").path)]
    answer = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
    assert "start workers with 'spawn'" in answer.stdout, answer.stderr


class FirstComer(BaseHTTPRequestHandler):
    """Heeds ``If-None-Match`` as S3 does, where rclone does not: someone else's object appears after it was looked for,
    and before it is written."""

    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self._answer(404)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(self.headers["If-None-Match"])
        self._answer(412)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any, **__: Any) -> None:
        pass


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server that lives as long as the block."""
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_file_that_someone_else_creates_meanwhile_is_theirs(
    prefix: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(FirstComer) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        assert not create(prefix / "v0001", b"mine")
    assert FirstComer.asked == ["*"]
