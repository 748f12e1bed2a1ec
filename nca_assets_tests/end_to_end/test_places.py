"""Neither time zone, locale nor the seed of Python's hashes changes a byte of shards, labels and CSV, or an answer."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nca_assets_tests.conftest import GOLDEN

pytestmark = pytest.mark.slow

PROGRAM = f"""
import sys, time
from pathlib import Path
from nca_assets.labels.export import export_csv
from nca_assets.project import Project
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets.labels.write import write_labels
from nca_assets.shards.write import write_shard
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.build import build_warehouse

project = Project.load()
data, centroids = project.writable_data(), read_centroids(Path({str(GOLDEN / "centroids.pt")!r}))
save_centroids(centroids, data, "learned")
for key in (project.shard_key("set1-00000"), project.shard_key("set2-00000")):
    write_shard(key, centroids, data, project.resources)
    write_labels(key, data, project.resources)
export_csv(data)
build_warehouse(data)
for table in ("labels", "label_parts", "rollouts", "splits", "lag_similarity", "behavior_summary", "card_comparison"):
    whole_table(f"FROM {{table}} ORDER BY ALL", data).write_csv(data.root / f"{{table}}.answer")
print(time.strftime("%Z"), sys.getfilesystemencoding())
"""

HERE = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
ELSEWHERE = {
    "TZ": "Pacific/Kiritimati", "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONHASHSEED": "7",
}  # fmt: skip


def made(folder: Path, place: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Where the program thinks it is, and the digest of every file whose bytes are promised."""
    folder.mkdir()
    ended = subprocess.run(  # not a fork, which has its parent's locale
        [sys.executable, "-P", "-c", PROGRAM], cwd=folder, env={**os.environ, "NCA_DATA": "data", **place},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    files = (file for kind in ("npz", "parquet", "csv", "answer") for file in folder.rglob(f"*.{kind}"))
    return ended.stdout.strip(), {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }


def test_no_byte_depends_on_where_it_is_made(tmp_path: Path) -> None:
    here, expected = made(tmp_path / "here", HERE)
    elsewhere, found = made(tmp_path / "elsewhere", ELSEWHERE)
    assert (here, elsewhere) == ("UTC utf-8", "+14 ascii")
    assert {Path(name).suffix for name in expected} == {".npz", ".parquet", ".csv", ".answer"}
    assert found == expected
