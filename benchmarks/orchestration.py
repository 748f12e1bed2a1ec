"""What orchestration costs with 4,884 partitions defined and 2,000 of them materialized.

Run: ``python benchmarks/orchestration.py [--quick]``

Shards of one small rollout, so that little but orchestration is left; ``--quick`` materializes 120 instead of 2,000.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from report import Metric, report

PROJECT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
SCRATCH = Path(tempfile.mkdtemp(prefix="orchestration-"))
# Partitions are fixed when the definitions are imported, so these come before any import of them.
os.environ.update(
    DAGSTER_HOME=str(SCRATCH / "home"), NCA_DATA=str(SCRATCH / "data"), NCA_SHARDS_PER_SET="1628", NCA_SHARD_SIZE="1",
    NCA_FRAMES="129", NCA_DEVICE="cpu",
)  # fmt: skip

import dagster as dg
import numpy as np

from nca_assets.definitions import defs
from nca_assets.in_process import QUIET, project_instance
from nca_assets.labels.write import write_labels
from nca_assets.orchestration.backfill.top_up import top_up
from nca_assets.orchestration.partitions.in_flight import RANGE_END, RANGE_START
from nca_assets.project import Project
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets.vocabulary.learn import fit_centroids
from nca_assets.workers.checks import LABEL_CHECKS, SHARD_CHECKS

MEANINGS = {
    "partitions": "partitions materialized, of 4,884",
    "load_s": "time to load the definitions in a new process",
    "tick_s": "time of a tick of the schedule top_up",
    "status_s": "time of the command 'nca status', its process included",
    "page_s": "slowest GraphQL query of the page of rollout_shards, from a webserver just started",
    "partition_overhead_ms": "time a partition takes in a ranged run beyond making and checking its shard and labels",
    "single_run_overhead_ms": "the same with a run, and so a process, for each partition",
}

PAGE = {
    "overview": """partitionStats { numMaterialized numMaterializing numFailed numPartitions }
        staleStatus assetMaterializations(limit: 100) { timestamp partition metadataEntries { label } }""",
    "partitions": """partitionKeysByDimension { name partitionKeys }
        assetPartitionStatuses { ... on DefaultPartitionStatuses {
            materializedPartitions materializingPartitions failedPartitions unmaterializedPartitions } }""",
    "checks": """assetChecksOrError { ... on AssetChecks { checks { name
        executionForLatestMaterialization { status } } } }""",
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    made = 120 if parser.parse_args().quick else 2000
    try:
        metrics = measure(made)
    finally:
        shutil.rmtree(SCRATCH)
    report([Metric("orchestration", name, value, unit(name)) for name, value in metrics.items()], MEANINGS)


def unit(name: str) -> str:
    """The unit that a metric's name ends in."""
    return {"s": "s", "ms": "ms"}.get(name.rpartition("_")[2], "count")


def measure(made: int) -> dict[str, float]:
    """Every metric, by its name."""
    project = Project.load()
    data = project.writable_data()
    (SCRATCH / "home").mkdir()
    shutil.copy(PROJECT / ".dagster" / "dagster.yaml", SCRATCH / "home")
    save_centroids(fit_centroids(np.random.default_rng(0).normal(size=(4096, 16))), data, "imported from a benchmark")
    keys = project.partition_keys()
    with project_instance() as instance:
        defs.resolve_job_def("learn_vocabulary").execute_in_process(instance=instance, run_config=QUIET)
        execute(instance, keys[0], keys[9])  # compiles, and fills caches
        alone = timed(lambda: [make_alone(key) for key in keys[10:60]]) / 50
        in_a_run = timed(lambda: execute(instance, keys[10], keys[made - 1])) / (made - 10)
        tick = timed(lambda: evaluate_tick(instance))
    process = min(timed(lambda key=key: run_process(key)) for key in keys[-2:])
    return {
        "partitions": made,
        "load_s": timed(lambda: python("from nca_assets.definitions import defs; defs.get_repository_def()")),
        "tick_s": tick,
        "status_s": timed(lambda: subprocess.run([BIN / "nca", "status"], check=True, stdout=subprocess.DEVNULL)),
        "page_s": slowest_query(),
        "partition_overhead_ms": 1000 * (in_a_run - alone),
        "single_run_overhead_ms": 1000 * (process - alone),
    }


def timed(work: Any) -> float:
    """Seconds that ``work`` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def execute(instance: dg.DagsterInstance, first: str, last: str) -> None:
    """A ranged run of shards and labels."""
    job = defs.resolve_job_def("make_shard")
    tags = {RANGE_START: first, RANGE_END: last}
    job.execute_in_process(instance=instance, tags=tags, run_config=QUIET)


def make_alone(partition: str) -> None:
    """What the run computes for a partition, without the run."""
    project = Project.load()
    key = project.shard_key(partition)
    write_shard(key, load_centroids(project.data), project.data, project.resources)
    write_labels(key, project.data, project.resources)
    assert all(check(key, project).passed for check in (SHARD_CHECKS | LABEL_CHECKS).values())


def evaluate_tick(instance: dg.DagsterInstance) -> None:
    """A tick of the schedule, which must ask for something."""
    with dg.build_schedule_context(instance) as context:
        assert top_up.evaluate_tick(context).run_requests


def python(code: str) -> None:
    """Run ``code`` in a new process."""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT)


def run_process(partition: str) -> None:
    """One partition in a process of its own."""
    tag = f"{{'dagster/partition': '{partition}'}}"
    python(
        "from nca_assets.in_process import QUIET, project_instance\n"
        "from nca_assets.definitions import defs\n"
        "with project_instance() as instance:\n"
        f"    defs.resolve_job_def('make_shard').execute_in_process(instance=instance, run_config=QUIET, tags={tag})"
    )


def slowest_query() -> float:
    """Seconds of the slowest of the page's queries."""
    with webserver() as address:
        times = {}
        for name, fields in PAGE.items():
            query = (
                f'{{ assetNodeOrError(assetKey: {{path: ["rollout_shards"]}}) {{ ... on AssetNode {{ {fields} }} }} }}'
            )
            times[name] = timed(lambda query=query: graphql(address, query))
    return max(times.values())


@contextmanager
def webserver() -> Iterator[str]:
    """The address of a webserver that has loaded the definitions."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [BIN / "dagster-webserver", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        address = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    graphql(address, "{ version }")
                    break
                except OSError:
                    if time.monotonic() > deadline or server.poll() is not None:
                        raise
                    time.sleep(0.2)
            yield address
        finally:
            server.terminate()


def graphql(address: str, query: str) -> None:
    """Ask the webserver. Raises if it answers with an error."""
    content = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{address}/graphql", content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.loads(response.read())
    if "errors" in answer:
        raise RuntimeError(answer["errors"][0]["message"])


if __name__ == "__main__":
    main()
