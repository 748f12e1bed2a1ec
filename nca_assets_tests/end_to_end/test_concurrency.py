"""Two runs materialize and publish at once while a third process asks SQL in a loop: no error in any of them."""

import sys

import pytest

from nca_assets_tests.end_to_end.conftest import NCA, Project

pytestmark = pytest.mark.long

READER = """
import pathlib, sys, time
from nca_assets.data_folder import DataFolder
from nca_assets.warehouse.read import connect
data, stop = DataFolder.open(sys.argv[1]), pathlib.Path(sys.argv[2])
queries, most = 0, 0
while not stop.exists():
    with connect(data) as connection:
        [(count, shards)] = connection.execute("SELECT count(*), count(DISTINCT shard) FROM labels").fetchall()
    assert count == 4 * shards and count >= most, (count, shards, most)
    queries, most = queries + 1, count
print(queries, most)
"""


def test_two_runs_and_a_busy_reader(small_project: Project) -> None:
    first = small_project.nca("materialize", "set1-00000")
    assert first.returncode == 0, first.stderr
    stop = small_project.folder / "stop"
    with small_project.start(sys.executable, "-c", READER, str(small_project.data), str(stop)) as reader:
        runs = [small_project.start(NCA, "materialize", key) for key in ("set1-00001", "set1-00002")]
        errors = [run.communicate(timeout=300)[1] for run in runs]
        stop.touch()
        out, reader_error = reader.communicate(timeout=60)
    assert [run.returncode for run in runs] == [0, 0], errors
    assert reader.returncode == 0, reader_error
    queries, rollouts = map(int, out.split())
    assert queries > 10
    again = small_project.nca("sql", "SELECT count(*) AS n, count(DISTINCT shard) AS shards FROM labels")
    assert "12" in again.stdout
    assert rollouts <= 12
