"""Verification of what belongs to no shard: each damaged file is named with its remedy. None of these was, before."""

import re
from pathlib import Path

import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.labels.table import polars_schema, write_table
from nca_assets.warehouse.catalog import BOARD_COLUMNS
from nca_assets.warehouse.verify import verify_other_files
from nca_assets_tests.conftest import local


def flipped(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "place", "said"),
    [
        ("centroids.pt", 1500, "centroids.pt is (damaged, or|not in fixed point).*'nca import centroids "),
        ("centroids.json", 20, "centroids.json is damaged .*: run 'nca import centroids "),
        ("nca.duckdb", -5000, "nca.duckdb is damaged .*: materialize the 'analytics' assets again"),
        ("tasks/boards.parquet", 100, "boards.parquet is damaged .*: run 'nca baselines' again"),
    ],
)
def test_a_flipped_bit_is_found(built: DataFolder, name: str, place: int, said: str) -> None:
    write_table(pl.DataFrame(schema=polars_schema(BOARD_COLUMNS)), built.boards_file, built)
    assert verify_other_files(built) == (3, [])
    flipped(local(built / name), place)
    [finding] = verify_other_files(built)[1]
    assert re.search(said, finding), finding


def test_every_block_of_the_warehouse_is_read(built: DataFolder) -> None:
    file = local(built.warehouse_file())
    content = file.read_bytes()
    found = 0
    for begin in range(3 * 4096, len(content), 262_144):
        file.write_bytes(content[: begin + 100] + bytes(64) + content[begin + 164 :])
        found += len(verify_other_files(built)[1])
    assert found
    file.write_bytes(content)
    assert verify_other_files(built) == (2, [])
