"""Local files and folders appear whole or not at all, even if writers are killed, and they leave each other alone."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DiskFullError, NcaError, TransientError
from nca_assets.publishing.checksums import check_published
from nca_assets.publishing.publish import publish
from nca_assets.store.exclusive import alone
from nca_assets.store.replace import replaced_folder
from nca_assets.store.store import create, require_writable, whole_file
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.conftest import local


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def fail_while_writing(target: Path, error: Exception) -> None:
    with whole_file(target) as file:
        file.write(b"new")
        raise error


def test_appears_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "file"
    with whole_file(target) as file:
        file.write(b"content")
        assert not target.exists()
    assert target.read_bytes() == b"content"
    assert names(target.parent) == ["file"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        fail_while_writing(target, ZeroDivisionError())
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(NcaError, match=r"can't write .*file: No space left on device\. Free space"):
        fail_while_writing(tmp_path / "file", full)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EIO, TransientError),
        (errno.ESTALE, TransientError),
        (errno.EACCES, NcaError),
    ],
)
def test_errors_are_told_apart_by_what_helps(tmp_path: Path, number: int, kind: type[NcaError]) -> None:
    """A full disk ends a run, what is transient is tried again, and for the rest a person is needed."""
    with pytest.raises(NcaError) as raised:
        fail_while_writing(tmp_path / "file", OSError(number, os.strerror(number)))
    assert type(raised.value) is kind


def test_what_a_killed_writer_left_is_removed_but_not_what_a_living_one_writes(tmp_path: Path) -> None:
    target = tmp_path / "file"
    code = f"""
import pathlib, sys, time
from nca_assets.store.store import whole_file
with whole_file(pathlib.Path({str(target)!r})) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "writing\n"
        with whole_file(target) as file:
            assert len(list(tmp_path.glob(".file.*"))) == 2
            file.write(b"whole")
        writer.send_signal(signal.SIGKILL)
    assert target.read_bytes() == b"whole"
    assert len(list(tmp_path.glob(".file.*"))) == 1
    with whole_file(target) as file:
        file.write(b"again")
    assert names(tmp_path) == ["file"]


KILLED = """
import os, sys
from pathlib import Path
from nca_assets.store.replace import replaced_folder
with replaced_folder(Path(sys.argv[1])) as folder:
    (folder / "half.txt").write_text("half")
    if sys.argv[2] == "late":
        Path(sys.argv[1]).rename(folder.with_suffix(".before"))
    os._exit(9)
"""


@pytest.mark.parametrize("when", ["early", "late"])
def test_what_a_killed_one_left_is_removed_and_what_it_replaced_is_back(tmp_path: Path, when: str) -> None:
    to = tmp_path / "dataset"
    to.mkdir()
    (to / "old.txt").write_text("old")
    assert subprocess.run([sys.executable, "-c", KILLED, str(to), when], check=False).returncode == 9
    assert to.exists() == (when == "early")
    with suppress(KeyboardInterrupt), replaced_folder(to):
        assert (to / "old.txt").read_text() == "old"
        raise KeyboardInterrupt
    assert [file.name for file in tmp_path.iterdir()] == ["dataset"]
    assert [file.name for file in to.iterdir()] == ["old.txt"]


def test_folders_that_an_earlier_release_left_are_removed(tmp_path: Path) -> None:
    to = tmp_path / "dataset"
    (tmp_path / ".dataset.0123456789ab.part").mkdir()
    (tmp_path / ".dataset.0123456789ab.before").mkdir()
    (tmp_path / ".dataset.0123456789ab.before" / "old.txt").write_text("old")
    with suppress(KeyboardInterrupt), replaced_folder(to):
        raise KeyboardInterrupt
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")] == ["dataset", "dataset/old.txt"]


@pytest.fixture
def nfs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Locks as NFS gives them: exclusive ones only of what is open for writing. Collects what was locked."""
    locked: list[int] = []
    flock = fcntl.flock

    def flock_of_nfs(opened: int, operation: int) -> None:
        read_only = fcntl.fcntl(opened, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
        if operation & fcntl.LOCK_EX and read_only:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(opened, operation)
        locked.append(opened)

    monkeypatch.setattr(fcntl, "flock", flock_of_nfs)
    return locked


def test_files_and_folders_are_replaced_and_leftovers_removed_on_nfs(tmp_path: Path, nfs: list[int]) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    for program in ("early", "late"):
        folder.mkdir(exist_ok=True)
        assert subprocess.run([sys.executable, "-c", KILLED, str(folder), program], check=False).returncode == 9
        (tmp_path / ".file.0123456789ab.part").write_text("half")
        with whole_file(file) as opened:
            opened.write(b"whole")
        with replaced_folder(folder) as new:
            (new / "new.txt").write_text(program)
    with alone(file):
        assert not create(file, b"another")
    assert create(tmp_path / "created", b"whole")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "created", "file", "folder", "folder/new.txt"
    ]  # fmt: skip
    assert (folder / "new.txt").read_text() == "late"
    assert nfs


@pytest.mark.slow
def test_a_warehouse_is_built_and_a_dataset_published_on_nfs(labelled: DataFolder, nfs: list[int]) -> None:
    build_warehouse(labelled)
    publish(labelled / "published", labelled)
    assert check_published(labelled / "published") == []
    assert not [path for path in local(labelled.root).iterdir() if path.name.startswith(".")]
    assert nfs


def test_who_writes_beside_is_left_alone(tmp_path: Path) -> None:
    with replaced_folder(tmp_path / "dataset") as first:
        (first / "mine.txt").write_text("mine")
        with replaced_folder(tmp_path / "dataset") as second:
            assert (first / "mine.txt").exists()
            (second / "other.txt").write_text("other")
    assert [file.name for file in (tmp_path / "dataset").iterdir()] == ["mine.txt"]


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NcaError, match=r"can't write to .*file/data: Not a directory.*NCA_DATA"):
        require_writable(tmp_path / "file" / "data")


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may write anywhere, so act as nobody
    try:
        with pytest.raises(NcaError, match=r"can't write to .*: Permission denied\. Make it writable"):
            require_writable(tmp_path / "data")
    finally:
        os.seteuid(user)


def test_a_disk_that_holds_other_bytes_than_were_written_keeps_the_old_file(tmp_path: Path) -> None:
    """As a writer does that swallows an error of the disk."""
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def write_badly() -> None:
        with whole_file(target) as file:
            file.write(b"content")
            file.flush()
            os.truncate(file.fileno(), 3)

    with pytest.raises(NcaError, match=r"can't write .*file: other bytes were found than were written"):
        write_badly()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]
