"""Seals, as docs/SPEC.md describes them: any changed bit shows, and any file under another's name."""

import hashlib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.labels.table import read_table, write_table
from nca_assets.store.seal import BLANK, read_sealed, sealed, sound_copies, unsealed, write_sealed

CONTENT = f'{{"said": "{BLANK}", "seal": "{BLANK}"}}'.encode()


def test_a_seal_is_the_digest_that_the_specification_says(data: DataFolder) -> None:
    file = data / "labels/a.parquet"
    write_table(pl.DataFrame({"x": [1, 2]}), file, data, {"query": BLANK})
    content = file.read_bytes()
    before, _, after = content.rpartition(b"sealed by sha256 ")
    blank = before + b"sealed by sha256 " + b"0" * 64 + after[64:]
    assert after[:64].decode() == hashlib.sha256(b"labels/a.parquet\n" + blank).hexdigest()
    table, metadata = read_table(file, data, "")
    assert table["x"].to_list() == [1, 2]
    assert metadata == {"query": BLANK}


@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 7))
def test_any_changed_bit_breaks_it(byte: int, bit: int) -> None:
    content = bytearray(sealed(CONTENT, "a/b"))
    assert unsealed(bytes(content), "a/b") == CONTENT
    content[byte] ^= 1 << bit
    with pytest.raises(ValueError, match=r"it has no seal|it does not match its seal"):
        unsealed(bytes(content), "a/b")


def test_a_folder_may_move_but_a_file_in_it_may_not(tmp_path: Path) -> None:
    write_sealed(CONTENT, tmp_path / "data" / "a.json", tmp_path / "data")
    (tmp_path / "data").rename(tmp_path / "moved")
    assert read_sealed(tmp_path / "moved" / "a.json", tmp_path / "moved", "") == CONTENT
    (tmp_path / "moved" / "a.json").rename(tmp_path / "moved" / "b.json")
    with pytest.raises(DamageError, match=r"b\.json is damaged \(it does not match its seal\): make it again"):
        read_sealed(tmp_path / "moved" / "b.json", tmp_path / "moved", "make it again")


def test_sound_files_are_told_from_damaged_ones(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a", "b", "c")]
    for file in files:
        write_sealed(CONTENT, file, tmp_path)
    files[1].write_bytes(CONTENT)
    assert sound_copies(dict.fromkeys(files, "make it again"), tmp_path) == (
        [files[0], files[2]],
        {files[1]: f"{files[1]} is damaged (it does not match its seal): make it again"},
    )
