"""Everything at once for a while, with kill -9: parts written, the warehouse rebuilt and asked, and no query fails."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.settings import Resources
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import local
from nca_assets_tests.end_to_end.conftest import Project

pytestmark = pytest.mark.long

SHARDS = 24
WRITERS, BUILDERS, SECONDS = 8, 2, 60

WRITER = """
import random
from nca_assets.labels.write import write_labels
from nca_assets.ids import ShardKey
from nca_assets.project import Project
project = Project.load()
while True:
    write_labels(ShardKey("set1", random.randrange({shards})), project.data, project.resources)
"""

BUILDER = """
from nca_assets.project import Project
from nca_assets.warehouse.build import build_warehouse
while True:
    build_warehouse(Project.load().data)
"""

COUNTS = "SELECT count(*), count(DISTINCT shard), (SELECT sum(rollouts) FROM behavior_summary)::INTEGER FROM labels"

READERS = {
    "our connection": """
from nca_assets.project import Project
from nca_assets.warehouse.read import connect
def ask():
    with connect(Project.load().data) as connection:
        return connection.execute(QUERY).fetchall()[0]
""",
    "plain DuckDB": """
import duckdb
def ask():
    with duckdb.connect("data/nca.duckdb", read_only=True) as connection:
        return connection.execute(QUERY).fetchall()[0]
""",
    "one handle for twenty queries": """
import duckdb
handle, asked = None, 0
def ask():
    global handle, asked
    if asked % 20 == 0:
        # DuckDB gives a process that has the file open that same state again.
        if handle:
            handle.close()
        handle = duckdb.connect("data/nca.duckdb", read_only=True)
    asked += 1
    return handle.execute(QUERY).fetchall()[0]
""",
    "DuckDB's command line": """
import subprocess, sys, pathlib
duckdb = str(pathlib.Path(sys.executable).with_name("duckdb"))
def ask():
    command = [duckdb, "-readonly", "-csv", "-noheader", "data/nca.duckdb", "-c", QUERY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(int(value) for value in done.stdout.split(","))
""",
}

ASK_UNTIL_TOLD = """
import pathlib, time
QUERY = {query!r}
{reader}
queries, most = 0, 0
while not pathlib.Path("stop").exists():
    count, shards, summed = ask()
    assert count == 4 * shards == summed and count >= most, (count, shards, summed, most)
    queries, most = queries + 1, count
    time.sleep(0.01)
print(queries, most)
"""


def test_everything_at_once(small_project: Project, resources: Resources) -> None:
    project = Project(
        small_project.folder, small_project.environment | {"NCA_SHARDS_PER_SET": str(SHARDS), "NCA_THREADS": "1"}
    )
    data = DataFolder.open(project.data)
    for number in range(SHARDS):
        write_shard(ShardKey("set1", number), load_centroids(data), data, resources)
    made = project.nca("materialize", "set1-00000")
    assert made.returncode == 0, made.stderr

    def python(program: str) -> subprocess.Popen[str]:
        # -P: the installed package with its compiled functions, not the clone's files.
        return project.start(sys.executable, "-P", "-c", program)

    jobs = [WRITER.format(shards=SHARDS)] * WRITERS + [BUILDER] * BUILDERS
    readers = {name: python(ASK_UNTIL_TOLD.format(query=COUNTS, reader=reader)) for name, reader in READERS.items()}
    workers = [python(job) for job in jobs]
    try:
        wait_for_growth(data)
        killed = shake(workers, lambda victim: python(jobs[victim]), SECONDS)
        (project.folder / "stop").touch()
        assert [worker.communicate()[1] for worker in workers if worker.poll() is not None] == []
        for name, reader in readers.items():
            out, error = reader.communicate(timeout=60)
            assert reader.returncode == 0, f"{name}: {error}"
            queries, rollouts = map(int, out.split())
            print(f"{name}: {queries} queries, up to {rollouts} rollouts")
            assert queries > SECONDS / 3, name
            assert 4 < rollouts <= 4 * SHARDS
    finally:
        for process in [*workers, *readers.values()]:
            process.kill()
            process.communicate()
    assert killed >= SECONDS / 5
    assert_a_clean_build_is_the_same(data)


def wait_for_growth(data: DataFolder) -> None:
    """Until writers and builders have started, which takes seconds, and the first of their work is published."""
    deadline = time.monotonic() + 60
    rollouts = 4
    while rollouts == 4:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        with connect(data) as connection:
            [(rollouts,)] = connection.execute("SELECT count(*) FROM labels").fetchall()


def shake(workers: list[subprocess.Popen[str]], restart: Callable[[int], subprocess.Popen[str]], seconds: float) -> int:
    """Kill a worker now and then and start it again; returns how many were killed."""
    chance, killed = random.Random(0), 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(chance.uniform(1, 4))
        victim = chance.randrange(len(workers))
        assert workers[victim].poll() is None, workers[victim].communicate()[1]
        workers[victim].send_signal(signal.SIGKILL)
        workers[victim].communicate()
        workers[victim] = restart(victim)
        killed += 1
    return killed


def assert_a_clean_build_is_the_same(data: DataFolder) -> None:
    built = build_warehouse(data)
    with connect(data) as connection:
        last = connection.execute("FROM labels ORDER BY rollout_id").fetchall()
    data.warehouse_file().unlink()
    assert build_warehouse(data) == built
    with connect(data) as connection:
        assert connection.execute("FROM labels ORDER BY rollout_id").fetchall() == last
    assert not [file for file in local(data.root).rglob("*.part*") if file.name.startswith(".nca.duckdb")]
