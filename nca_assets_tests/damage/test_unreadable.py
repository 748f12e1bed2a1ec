"""A folder that can't be read makes the partitions in it stale, with the reason, and stops nothing else."""

import dataclasses
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError, TransientError
from nca_assets.labels.export import export_csv
from nca_assets.loading.source import RolloutSource
from nca_assets.store import seal
from nca_assets.store.store import sizes
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.collections import read_collection
from nca_assets.warehouse.counts import count_rollouts
from nca_assets.warehouse.stale import assess
from nca_assets_tests.conftest import local
from nca_assets_tests.damage.conftest import KEYS
from nca_assets_tests.damage.test_damage import rows
from nca_assets_tests.damage.unreadable import failing_disk, file, forbidden, loop

SHARDS, LABELS = "rollout_shards", "behavior_labels"

Fault = Callable[[Path], AbstractContextManager[None]]

FOLDERS: list[tuple[str, Fault, dict[str, str]]] = [
    ("nca_dataset_set2", failing_disk, {SHARDS: "set2-*"}),
    ("nca_dataset", file, {SHARDS: "set1-*"}),
    ("labels/set=2", loop, {LABELS: "set2-*"}),
    ("labels", failing_disk, {LABELS: "*", "imported_labels": "*"}),
    ("curve_sums/set=2", loop, {LABELS: "set2-*"}),
    ("imported/life", failing_disk, {"imported_shards": "life-*"}),
    ("imported", file, {"imported_shards": "*"}),
    ("collections/b", loop, {"collections": "b"}),
    ("findings", file, {}),
    ("history", failing_disk, {}),
    ("tasks", loop, {}),
]
"""A folder, what happens to it, and by asset the partitions that are in it."""


@pytest.fixture(scope="package")
def known(whole: DataFolder) -> dict[str, dict[str, str]]:
    """What was materialized: all that is there."""
    shards = rows(whole, "SELECT if(reproducible, 'rollout', 'imported'), partition_key, digest FROM shards")
    labels = rows(whole, "SELECT if(set_name = 'life', 'imported', 'behavior'), partition_key, digest FROM label_parts")
    found: dict[str, dict[str, str]] = {"collections": {"a": "1", "b": "1"}}
    for kind, rest in (("shards", shards), ("labels", labels)):
        for origin, partition, digest in rest:
            found.setdefault(f"{origin}_{kind}", {})[partition] = digest
    return found


@pytest.mark.parametrize(("place", "fault", "held"), FOLDERS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_partitions_in_it_are_stale_and_the_rest_is_built(
    copy: DataFolder, known: dict[str, dict[str, str]], place: str, fault: Fault, held: dict[str, str]
) -> None:
    folder = local(copy / place)
    folder.mkdir(exist_ok=True)
    (folder / ".entry").touch()
    before = labels_by_set(copy)
    with fault(folder):
        assert stale_partitions(copy, known, folder) == {
            (asset, key) for asset, pattern in held.items() for key in known[asset] if fnmatchcase(key, pattern)
        }
        build_warehouse(copy)
        gone = {"labels/set=2": {"set2"}, "labels": before.keys()}.get(place, set())
        assert labels_by_set(copy) == {name: count for name, count in before.items() if name not in gone}
        assert all(counts.agree for counts in count_rollouts(copy))
    assert stale_partitions(copy, known, folder) == set()


def test_a_folder_that_this_user_may_not_read_is_one(known: dict[str, dict[str, str]], whole: DataFolder) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)  # pytest's own are only for the user who runs it
        copy = dataclasses.replace(whole, root=shutil.copytree(local(whole.root), Path(scratch) / "data"))
        folder = local(copy / "nca_dataset_set2")
        with forbidden(folder):
            held = {(SHARDS, "set2-00000"), (SHARDS, "set2-00001")}
            assert {(s.asset, s.partition_key) for s in assess(copy, known).stale if s.asset == SHARDS} == held


@pytest.mark.parametrize(
    ("folder", "read"),
    [
        ("nca_dataset_set2", RolloutSource.files),
        ("labels/set=2", export_csv),
        ("collections", lambda data: read_collection("a", data)),
    ],
)
def test_what_reads_for_others_refuses_to_leave_it_out(
    copy: DataFolder, folder: str, read: Callable[[DataFolder], object]
) -> None:
    """A stream of training data without one of its sets would be a silent mistake."""
    with failing_disk(local(copy / folder)), pytest.raises(NcaError, match="can't read the folder"):
        read(copy)


def test_a_machine_that_has_no_more_file_handles_does_not_say_that_the_data_are_damaged(
    copy: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as busy:
        busy.setattr(os, "scandir", exhausted)
        with pytest.raises(TransientError, match="Too many open files"):
            assess(copy, {})
    monkeypatch.setattr(Path, "read_bytes", exhausted)
    with pytest.raises(TransientError, match="Too many open files"):
        seal.read_sealed(copy.manifest_file(KEYS[0]), copy.root, "")


def test_a_file_that_the_disk_can_not_read_is_stale(
    copy: DataFolder, known: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a bad sector for good: to be made again elsewhere on the disk."""
    bad, read = copy.manifest_file(KEYS[0]), Path.read_bytes

    def failing(file: Path) -> bytes:
        if file == bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(file))
        return read(file)

    monkeypatch.setattr(Path, "read_bytes", failing)
    [stale] = assess(copy, known).stale
    assert (stale.asset, stale.partition_key) == (SHARDS, str(KEYS[0]))
    assert stale.reason.startswith(f"{bad} can't be read (Input/output error): ")


def test_a_file_that_is_removed_while_its_folder_is_listed_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the temporary files of other processes are, all the time."""
    (tmp_path / "stays").write_text("four")
    (tmp_path / ".temporary.part").touch()
    scandir = os.scandir

    @contextmanager
    def listed(path: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(path) as entries:
            found = list(entries)
        (tmp_path / ".temporary.part").unlink()
        yield found

    monkeypatch.setattr(os, "scandir", listed)
    assert sizes(tmp_path) == {"stays": 4}


def stale_partitions(data: DataFolder, known: dict[str, dict[str, str]], folder: Path) -> set[tuple[str, str | None]]:
    """Those that are stale because of ``folder``; no other is."""
    found = assess(data, known)
    for stale in found.stale:
        assert stale.reason.startswith(f"can't read the folder {folder}: "), stale
    return {(stale.asset, stale.partition_key) for stale in found.stale}


def labels_by_set(data: DataFolder) -> dict[str, int]:
    return dict(rows(data, "SELECT set_name, count(*) FROM labels GROUP BY ALL"))
