"""Whether the hub's viewer would show the folder, by ``viewer.py`` in a process without a network of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nca_assets.publishing.publish import Published
from nca_assets_tests.conftest import local
from nca_assets_tests.publishing import viewer

pytestmark = pytest.mark.slow


def look_at(folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, viewer.__file__, str(folder), str(cache)], capture_output=True, text=True, check=False
    )


def test_it_shows_every_config(published: Published, tmp_path: Path) -> None:
    done = look_at(local(published.folder), tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["preview"] == found["labels"] == found["tokens"] == {
        "splits": ["set1", "set3"], "rows": {"set1": 12, "set3": 12}
    }  # fmt: skip
    assert set(found["images"]) == {*(f"frame_{frame}" for frame in (0, 16, 32, 48, 112)), "frame_last"}
    assert all(max(size) >= 128 for size in found["images"].values())
    # A hundred rows may take 200 kB.
    assert found["json_bytes"] / 12 * 100 < 200_000


def test_a_missing_file_fails(copy: Path, tmp_path: Path) -> None:
    (copy / "labels" / "set3.parquet").unlink()
    done = look_at(copy, tmp_path / "cache")
    assert done.returncode != 0
    assert "labels/set3.parquet" in done.stderr


def test_shards_among_the_data_files_fail(copy: Path, tmp_path: Path) -> None:
    card = copy / "README.md"
    card.write_text(card.read_text().replace("tokens/set1-*.parquet", "nca_dataset/*.npz"))
    done = look_at(copy, tmp_path / "cache")
    assert done.returncode != 0


def test_without_a_page_index_it_fails(copy: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    file = copy / "preview" / "set1.parquet"
    pq.write_table(pq.read_table(file), file, write_page_index=False)
    done = look_at(copy, tmp_path / "cache")
    assert "AssertionError" in done.stderr
    assert "preview/set1.parquet" in done.stderr
