"""Buckets of a real S3 server: objects whole or not at all, versions, local copies, and one creator of a file."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nca_assets.errors import OvertakenError
from nca_assets.store import bucket, copies
from nca_assets.store.bucket import KEPT, LATEST
from nca_assets.store.location import BucketPath, Stored
from nca_assets.store.store import (
    cache_of,
    create,
    current,
    local_copies,
    local_copy,
    names,
    publish_version,
    whole_file,
)
from nca_assets_tests.store.gateway import Gateway


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


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setattr(copies, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_copies_that_were_not_used_make_room(prefix: BucketPath, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(prefix / "old", b"old")
    old = local_copy(prefix / "old")
    os.utime(old, (0, 0))
    built = cache_of(prefix) / "built"
    write(built, b"built")
    os.utime(built, (0, 0))
    monkeypatch.setenv("NCA_CACHE_GB", "0")
    write(prefix / "new", b"new")
    new = local_copy(prefix / "new")
    assert not old.exists()
    assert new.exists()  # in use
    assert built.exists()  # no copy of anything
    assert local_copy(prefix / "old").read_bytes() == b"old"
    assert cache in old.parents


def test_copies_are_looked_at_once_in_a_while(prefix: BucketPath, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at each fetch: there may be many."""
    monkeypatch.setenv("NCA_CACHE_GB", str(60 * 2**20 / 1e9))  # a twentieth is three MiB, a small file counts as one
    looked: list[Path] = []
    rglob = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda folder, pattern: looked.append(folder) or rglob(folder, pattern))
    for number in range(9):
        write(prefix / str(number), str(number).encode())
        assert local_copy(prefix / str(number)).read_text() == str(number)
        assert len(looked) == (number + 1) // 3
    assert set(looked) == {cache / "versions"}


def test_copies_that_another_process_removes_meanwhile_are_no_trouble(
    prefix: BucketPath, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCA_CACHE_GB", "0")
    rglob, stat = Path.rglob, Path.stat
    looks_left = {cache / "removed at once": 0, cache / "removed soon": 1}

    def with_others(folder: Path, pattern: str) -> Iterator[Path]:
        yield from rglob(folder, pattern)
        for other in looks_left:
            other.touch()
            yield other

    def removed_meanwhile(file: Path, **options: bool) -> os.stat_result:
        if file in looks_left:
            looks_left[file] -= 1
            if looks_left[file] < 0:
                file.unlink(missing_ok=True)
        return stat(file, **options)

    monkeypatch.setattr(Path, "rglob", with_others)
    monkeypatch.setattr(Path, "stat", removed_meanwhile)
    for name in ("one", "two"):
        write(prefix / name, name.encode())
    assert [copy.read_text() for copy in local_copies([prefix / "one", prefix / "two"])] == ["one", "two"]


def test_a_copy_of_an_object_that_is_replaced_meanwhile_is_of_what_came(
    prefix: BucketPath, cache: Path, gate: Gateway
) -> None:
    """And not taken for what was there before, when that is back."""
    write(prefix / "object", b"before")

    def replace(method: str, path: str) -> None:  # noqa: ARG001
        if method == "GET":
            write(prefix / "object", b"after")

    gate.before = replace
    assert local_copy(prefix / "object").read_bytes() == b"after"
    gate.before = lambda method, path: None  # noqa: ARG005
    write(prefix / "object", b"before")
    assert local_copy(prefix / "object").read_bytes() == b"before"
    assert len([copy for copy in cache.rglob("object") if copy.is_file()]) == 2


def publish_text(text: str, prefix: BucketPath, tmp_path: Path, after: Stored | None = None) -> Stored:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "published.txt").write_text(text)
    return publish_version(tmp_path / "published.txt", prefix / "name.txt", after or current(prefix), prefix)


def test_the_last_few_versions_are_kept(prefix: BucketPath, tmp_path: Path) -> None:
    assert not current(prefix).exists()
    for number in range(KEPT + 2):
        (tmp_path / "below").mkdir(exist_ok=True)
        (tmp_path / "below" / "file").write_text(str(number))
        version = publish_version(tmp_path, prefix, current(prefix))
        assert current(prefix) == version
        assert (version / "below" / "file").read_text() == str(number)
    assert len({name.split("/")[0] for name in names(prefix)}) == KEPT + 1  # and "latest"


def test_versions_sort_in_the_order_of_their_publication_whatever_the_clock_says(
    prefix: BucketPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = []
    for number, clock in enumerate([2e9, 1e9, 1.5e9, 0.5e9, 3e9]):
        monkeypatch.setattr("time.time", lambda clock=clock: clock)
        published.append(publish_text(str(number), prefix, tmp_path))
        assert current(prefix) == published[-1]
    assert [version.name for version in published] == sorted(version.name for version in published)
    assert [version.exists() for version in published] == [False] * 2 + [True] * KEPT


def test_versions_of_earlier_releases_named_by_time_are_followed_and_make_room(
    prefix: BucketPath, tmp_path: Path
) -> None:
    earlier = prefix / "20261231T235959.000000-0123abcd.txt"
    write(earlier, b"earlier")
    write(prefix / LATEST, earlier.name.encode())
    published = [publish_text(str(number), prefix, tmp_path) for number in range(KEPT)]
    assert earlier.name < min(version.name for version in published)
    assert [version.exists() for version in (earlier, *published)] == [False] + [True] * KEPT


@pytest.mark.parametrize("name", ["19700101T000000.000000-oldest.txt", "00000001-oldest.txt"])
def test_the_present_version_and_uploads_in_progress_are_never_removed(prefix: BucketPath, name: str) -> None:
    write(prefix / name, b"present")
    for number in range(30_000_000, 30_000_000 + KEPT):
        write(prefix / f"{number}-newer.txt", b"newer")
    write(prefix / LATEST, name.encode())
    bucket._remove_old(prefix)
    assert current(prefix).read_text() == "present"
    assert len(list(names(prefix))) == KEPT + 2


def put_of_latest(method: str, path: str) -> bool:
    return method == "PUT" and path.endswith(f"/{LATEST}")


@pytest.mark.parametrize("first", [True, False], ids=["none before", "one before"])
def test_of_two_that_publish_at_once_one_is_told_and_loses_nothing_of_the_other(
    first: bool, prefix: BucketPath, tmp_path: Path, gate: Gateway
) -> None:
    """The other one publishes between our last look and our writing."""
    if not first:
        publish_text("zero", prefix, tmp_path)
    other: list[Stored] = []

    def publish_between(method: str, path: str) -> None:
        if put_of_latest(method, path) and not other:
            gate.before = lambda method, path: None  # noqa: ARG005
            other.append(publish_text("other", prefix, tmp_path / "other"))

    gate.before = publish_between
    with pytest.raises(OvertakenError, match=r"another version of s3://.* was published meanwhile: publish again"):
        publish_text("mine", prefix, tmp_path)
    assert current(prefix) == other[0]
    assert current(prefix).read_text() == "other"
    assert len(list(names(prefix))) == (2 if first else 3)  # what was uploaded in vain is gone
    assert publish_text("again", prefix, tmp_path) == current(prefix)


@pytest.mark.parametrize("server", ["heeds conditions", "ignores them"])
def test_what_was_begun_before_another_publication_is_refused(
    server: str, prefix: BucketPath, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if server == "heeds conditions":
        request.getfixturevalue("gate")
    begun_from = current(prefix)
    for number in range(KEPT + 1):
        other = publish_text(str(number), prefix, tmp_path)
        with pytest.raises(OvertakenError):
            publish_text("late", prefix, tmp_path, begun_from)
        assert current(prefix) == other


def test_a_loss_on_a_server_that_ignores_conditions_is_noticed(
    prefix: BucketPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one has looked before we write, and writes before we look again."""
    begun_from, latest = current(prefix), bucket._latest

    def overwritten_once_written(folder: BucketPath) -> tuple[str | None, str | None]:
        if latest(folder)[0]:
            write(folder / LATEST, b"00000001-other.txt")
        return latest(folder)

    monkeypatch.setattr(bucket, "_latest", overwritten_once_written)
    with pytest.raises(OvertakenError):
        publish_text("mine", prefix, tmp_path, begun_from)


def test_a_publication_whose_answer_is_lost_counts_once_it_was_repeated(
    prefix: BucketPath, tmp_path: Path, gate: Gateway
) -> None:
    """The repeated request fails, since the first one has changed what it asks to be unchanged."""
    publish_text("one", prefix, tmp_path)

    def first_request_arrives(method: str, path: str) -> None:
        if put_of_latest(method, path):
            gate.before = lambda method, path: None  # noqa: ARG005
            [uploaded] = {name.split("/")[-1] for name in names(prefix)} - {LATEST, current(prefix).name}
            write(prefix / LATEST, uploaded.encode())

    gate.before = first_request_arrives
    assert publish_text("two", prefix, tmp_path) == current(prefix)
    assert current(prefix).read_text() == "two"


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
