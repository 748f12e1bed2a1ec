"""Whatever space a full disk has left, the published warehouse is the old one or the new one, whole."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DiskFullError
from nca_assets.ids import ShardKey
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.catalog import TABLES
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import labelled_shards, local
from nca_assets_tests.disks import small_disk

ENOUGH = 2_800_000
"""Bytes, more than a build of these shards takes."""

FEW, MANY = (ENOUGH // 5, ENOUGH // 40)
"""Steps between the sizes of what is left."""

Content = dict[str, list[tuple]]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 12 MB with a data folder of two labelled shards and a warehouse."""
    folder = tmp_path_factory.mktemp("disk")
    keys = [ShardKey("set1", 0), ShardKey("set2", 1)]
    with labelled_shards(tmp_path_factory.mktemp("shards"), keys) as data, small_disk(folder, "12m"):
        shutil.copytree(local(data.root), folder / "data")
        yield folder


def content(data: DataFolder) -> Content:
    with connect(data) as connection:
        tables = [table.name for table in TABLES if table.name != "snapshot"]
        return {name: sorted(connection.execute(f'FROM "{name}"').fetchall(), key=repr) for name in tables}


def build_with(left: int, disk: Path) -> str:
    """What a build says that has ``left`` bytes of the disk; nothing if it succeeds."""
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - left))
    try:
        build_warehouse(DataFolder.open(disk / "data"))
    except DiskFullError as error:
        return str(error)
    finally:
        filler.unlink()
    return ""


@pytest.mark.parametrize("step", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_a_disk_with_too_little_left_keeps_the_old_warehouse(disk: Path, step: int) -> None:
    data = DataFolder.open(disk / "data")
    old, old_content = data.warehouse_file().read_bytes(), content(data)
    part = local(data.labels_file(ShardKey("set2", 1)))
    part.rename(disk / "kept")
    try:
        build_warehouse(data)
        new_content = content(data)
        messages = set()
        for left in range(step, ENOUGH + 1, step):
            local(data.warehouse_file()).write_bytes(old)
            messages.add(message := build_with(left, disk))
            assert content(data) == (old_content if message else new_content), f"{left} bytes left"
            assert not list(local(data.root).glob(".nca.duckdb.*.part*"))
    finally:
        (disk / "kept").rename(part)
        local(data.warehouse_file()).write_bytes(old)
    assert messages == {"", f"can't write {data / 'nca.duckdb'}: the disk is full. Free space, then run it again."}
