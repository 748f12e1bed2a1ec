"""All 4,884 partitions of five million rollouts, materialized by the real daemon into PostgreSQL, with tiny shards.

Run: ``python benchmarks/scale.py [--quick] [--only ticks]``

Shards have one small rollout each, so that what is measured is orchestration; ``--quick`` materializes 200. PostgreSQL
must be installed. The daemon, the database and two runs at a time share the machine. ``--only ticks`` forges the
partitions in a slow bucket instead (``ticks.py``), which takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from orchestration import BIN, PROJECT, SCRATCH, evaluate_tick, slowest_query, timed
from report import Metric, report

# The tests' own servers, from the folder beside; their settings are others.
ENVIRONMENT = dict(os.environ)
sys.path.insert(0, str(PROJECT))
from nca_assets_tests.servers import Postgres, stopped

os.environ.clear()
os.environ.update(ENVIRONMENT)

import dagster as dg
import numpy as np
import psycopg2
import ticks

from nca_assets.definitions import defs
from nca_assets.in_process import QUIET, project_instance
from nca_assets.orchestration.backfill.launch import launch_backfill
from nca_assets.orchestration.partitions.events import latest_versions
from nca_assets.orchestration.partitions.in_flight import LABELS, SHARDS
from nca_assets.project import Project
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets.vocabulary.learn import fit_centroids

RUNS_AT_ONCE = 2

MEANINGS = {
    "partitions": "partitions materialized by the backfill, of 4,884",
    "backfill_s": "from asking for the backfill until its last label is there",
    "partitions_per_s": "partitions a second, from the first to the last",
    "database_kb": "growth of the PostgreSQL database per partition (shard, labels, four checks)",
    "events": "rows of the event log per partition",
    "page_s": "slowest GraphQL query of the page of rollout_shards, with all of them materialized",
    "tick_s": "time of a tick of the schedule top_up then",
    "status_s": "time of the command 'nca status' then, its process included",
    "warehouse_s": "time of the run that builds the warehouse then",
    "files": "files in the data folder per partition",
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["ticks"])
    arguments = parser.parse_args()
    partitions = 200 if arguments.quick else 4884
    try:
        with stopped(Postgres()) as postgres:
            prepare_home(postgres)
            metrics = ticks.measure_ticks(partitions) if arguments.only else measure(partitions, postgres)
    finally:
        shutil.rmtree(SCRATCH)
    meanings = ticks.MEANINGS if arguments.only else MEANINGS
    report([Metric("scale", name, value, unit(name)) for name, value in metrics.items()], meanings)


def unit(name: str) -> str:
    """The unit that a metric's name ends in."""
    units = {"_per_s": "1/s", "_s": "s", "_kb": "kB"}
    return next((found for ending, found in units.items() if name.endswith(ending)), "count")


def prepare_home(postgres: Postgres) -> None:
    """A Dagster home whose instance is in PostgreSQL."""
    os.environ |= {
        "DAGSTER_POSTGRES_URL": postgres.url(), "NCA_THREADS": "1", "NCA_SHARDS_PER_RUN": "200", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    (SCRATCH / "home").mkdir()
    shutil.copy(PROJECT / "deploy" / "dagster.yaml", SCRATCH / "home")


def measure(partitions: int, postgres: Postgres) -> dict[str, float]:
    """Every metric, by its name."""
    project = Project.load()
    data = project.writable_data()
    vocabulary = fit_centroids(np.random.default_rng(0).normal(size=(4096, 16)))
    save_centroids(vocabulary, data, "imported from a benchmark")
    keys = project.partition_keys()[:partitions]
    with project_instance() as instance:
        instance.event_log_storage.set_concurrency_slots("device", RUNS_AT_ONCE)
        defs.resolve_job_def("learn_vocabulary").execute_in_process(instance=instance, run_config=QUIET)
        before = size_and_events(postgres)
        asked = time.perf_counter()
        launch_backfill(instance, keys, [], "benchmark")
        first, last = watch(instance, partitions)
        after = size_and_events(postgres)
        tick = timed(lambda: evaluate_tick(instance)) if partitions < 4884 else timed(lambda: ticks.idle_tick(instance))
        files = sum(1 for file in Path(str(data.root)).rglob("*") if file.is_file())
        return {
            "partitions": partitions,
            "backfill_s": last - asked,
            "partitions_per_s": partitions / (last - first),
            "database_kb": (after[0] - before[0]) / partitions / 1000,
            "events": (after[1] - before[1]) / partitions,
            "page_s": slowest_query(),
            "tick_s": tick,
            "status_s": timed(lambda: subprocess.run([BIN / "nca", "status"], check=True, stdout=subprocess.DEVNULL)),
            "warehouse_s": timed(
                lambda: defs.resolve_job_def("build_analytics").execute_in_process(instance=instance, run_config=QUIET)
            ),
            "files": files / partitions,
        }


def watch(instance: dg.DagsterInstance, partitions: int) -> tuple[float, float]:
    """Run the daemon until every partition is labelled; returns when the first shard and the last label were seen."""
    first = 0.0
    with (SCRATCH / "daemon.log").open("w") as log:
        daemon = subprocess.Popen(
            [BIN / "dagster-daemon", "run", "-w", "workspace.yaml"], cwd=PROJECT, stdout=log, stderr=log
        )
    try:
        while (labelled := len(latest_versions(instance, LABELS))) < partitions:
            if not first and latest_versions(instance, SHARDS):
                first = time.perf_counter()
            if daemon.poll() is not None:
                raise RuntimeError(f"the daemon ended: {Path(SCRATCH / 'daemon.log').read_text()[-2000:]}")
            print(f"\r{labelled} of {partitions}", end="", file=sys.stderr, flush=True)
            time.sleep(2)
        last = time.perf_counter()
        while instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            time.sleep(1)
        return first, last
    finally:
        daemon.terminate()
        daemon.wait()


def size_and_events(postgres: Postgres) -> tuple[int, int]:
    """Bytes of the database, and rows of its event log."""
    connection = psycopg2.connect(postgres.url().replace("+psycopg2", ""))
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT pg_database_size(current_database()), (SELECT count(*) FROM event_logs)")
        row = cursor.fetchone()
        assert row
        return row[0], row[1]
    finally:
        connection.close()


if __name__ == "__main__":
    main()
