"""The part of ``scale.py`` that measures a tick, the status and a build with 4,884 forged partitions in a slow bucket.

Run: ``python benchmarks/scale.py --only ticks [--quick]``

The bucket is rclone's, behind a proxy that adds 20 ms to every request; events are in PostgreSQL. Forging and reporting
take some ten minutes.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import dagster as dg
import numpy as np
from forged import forge
from orchestration import BIN, SCRATCH, timed
from tqdm import tqdm

from nca_assets.in_process import project_instance
from nca_assets.orchestration.backfill.adopt import adopt
from nca_assets.orchestration.backfill.overview import take_overview
from nca_assets.orchestration.backfill.top_up import top_up
from nca_assets.orchestration.partitions.events import latest_versions
from nca_assets.orchestration.partitions.in_flight import LABELS, SHARDS
from nca_assets.orchestration.partitions.pending import assess_now
from nca_assets.project import Project
from nca_assets.store import copies
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets.vocabulary.learn import fit_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.servers import S3, stopped
from nca_assets_tests.store.gateway import Gateway, gateway

LATENCY = 0.02
REPEATS = 3
ROLLOUTS = 1024

MEANINGS = {
    "partitions": "forged partitions, of 4,884, all reported; manifests as large as those of 1,024 rollouts",
    "tick_s": "time of a tick of the schedule top_up that finds nothing to do, its copies there",
    "overview_s": "time to take the overview that 'nca status' prints",
    "status_s": "time of the command 'nca status', its process included",
    "build_s": "time to build and publish the warehouse",
    "tick_requests": "requests of such a tick",
    "status_requests": "requests of the command",
    "build_requests": "requests of the build",
    "cold_tick_s": "time of a tick on a machine without copies: it fetches every manifest and label part",
    "cold_tick_requests": "requests of that tick",
    "cold_build_s": "time of a build on a machine without copies",
}


def measure_ticks(partitions: int) -> dict[str, float]:
    """Every metric, by its name."""
    with stopped(S3(SCRATCH)) as server, project_instance() as instance:
        os.environ |= server.environment | {"NCA_DATA": str(server.folder / "nca" / "data")}
        copies.CACHE = SCRATCH / "cache" / "nca-assets"
        prepare(instance, partitions)
        with gateway(server) as (gate, address):
            gate.before = lambda method, path: time.sleep(LATENCY)  # noqa: ARG005
            os.environ |= {"AWS_ENDPOINT_URL": address, "NCA_DATA": "s3://nca/data"}
            return {"partitions": partitions} | measure(Project.load(), instance, gate)


def prepare(instance: dg.DagsterInstance, partitions: int) -> None:
    """Forge the partitions on the server's disk, and report them."""
    project = Project.load()
    data = project.writable_data()
    save_centroids(fit_centroids(np.random.default_rng(0).normal(size=(4096, 16))), data, "imported from a benchmark")
    forge([project.shard_key(key) for key in project.partition_keys()[:partitions]], data, ROLLOUTS)
    print(f"reporting {partitions} partitions", file=sys.stderr)
    adopt(assess_now(project, instance), project, instance)
    if len(set(latest_versions(instance, LABELS)) & set(latest_versions(instance, SHARDS))) != partitions:
        raise RuntimeError("some of the forged partitions are not sound")


def measure(project: Project, instance: dg.DagsterInstance, gate: Gateway) -> dict[str, float]:
    """The metrics of each work: with copies, then without."""

    def status() -> None:
        subprocess.run([BIN / "nca", "status"], check=True, stdout=subprocess.DEVNULL)

    def tick() -> None:
        idle_tick(instance)

    def median(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> tuple[float, int]:
        times = []
        for _ in range(REPEATS):
            before()
            gate.asked.clear()
            times.append(timed(work))
        return statistics.median(times), len(gate.asked)

    found: dict[str, float] = {}
    works: dict[str, Callable[[], object]] = {
        "tick": tick,
        "overview": lambda: take_overview(project, instance),
        "status": status,
        "build": lambda: build_warehouse(project.data),
    }
    works["build"]()  # so that copies are there
    for name, work in tqdm(works.items(), disable=None):
        found[f"{name}_s"], found[f"{name}_requests"] = median(work)
    for name in ("tick", "build"):
        found[f"cold_{name}_s"], found[f"cold_{name}_requests"] = median(works[name], forget_copies)
    return {name: value for name, value in found.items() if name in MEANINGS}


def forget_copies() -> None:
    """As on a machine that has never read the bucket."""
    shutil.rmtree(copies.CACHE, ignore_errors=True)


def idle_tick(instance: dg.DagsterInstance) -> None:
    """A tick of the schedule; nothing is pending once all partitions are there."""
    with dg.build_schedule_context(instance) as context:
        top_up.evaluate_tick(context)
