"""One run makes many partitions and reports each as it finishes."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import dagster as dg
import numpy as np
import pytest

from nca_assets.definitions import defs
from nca_assets.description import description_file
from nca_assets.ids import ShardKey
from nca_assets.orchestration.instance.binding import bind
from nca_assets.orchestration.partitions.events import reported_by_this_run
from nca_assets.orchestration.partitions.in_flight import RANGE_END, RANGE_START
from nca_assets.orchestration.partitions.pending import find_pending
from nca_assets.project import Project
from nca_assets.settings import Resources
from nca_assets.shards import write as shard_writing
from nca_assets.shards.manifest import read_manifest
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids
from nca_assets.workers import local as local_workers
from nca_assets_tests.conftest import local
from nca_assets_tests.orchestration.test_chain import LABELS, SHARDS

pytestmark = pytest.mark.slow

KEYS = [f"set1-{number:05d}" for number in range(4)]


def run_range(
    instance: dg.DagsterInstance, first: str, last: str, selection: set[dg.AssetKey] | None = None
) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def("make_shard")
    if selection:
        job = job.get_subset(asset_selection=selection)
    tags = {RANGE_START: first, RANGE_END: last}
    return job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


def made(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, dg.AssetMaterialization]:
    """The materializations of ``key`` by partition; none has two."""
    records = instance.fetch_materializations(key, limit=100).records
    found = {str(r.partition_key): r.asset_materialization for r in records if r.asset_materialization}
    assert len(found) == len(records)
    return found


@pytest.mark.usefixtures("vocabulary")
def test_a_run_on_several_gpus_makes_the_same(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are claimed, and found missing by the processes, which take the CPU instead."""
    monkeypatch.setenv("NCA_DEVICE", "auto")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("nca_assets.automaton.device.find_spec", lambda _: True)
    monkeypatch.setattr(local_workers, "make_all", None)
    assert run_range(instance, KEYS[0], KEYS[2]).success
    project = Project.load()
    digests = {key: read_manifest(ShardKey.parse(key), project.data).digest for key in KEYS[:3]}
    for asset in (SHARDS, LABELS):
        assert made(instance, asset).keys() == digests.keys()
    for key, digest in digests.items():
        write_shard(ShardKey.parse(key), load_centroids(project.data), project.data, Resources(device="cpu"))
        assert read_manifest(ShardKey.parse(key), project.data).digest == digest


@pytest.mark.parametrize(("retry", "there"), [("1", KEYS[:2]), ("0", [])])
@pytest.mark.usefixtures("vocabulary")
def test_a_run_sent_in_place_of_a_lost_one_does_only_the_rest(
    instance: dg.DagsterInstance, retry: str, there: list[str]
) -> None:
    """But one that a person sends again does all."""
    lost = run_range(instance, KEYS[0], KEYS[1]).run_id
    run = SimpleNamespace(run_id="another", parent_run_id=lost, root_run_id=lost, tags={"dagster/retry_number": retry})
    context: Any = SimpleNamespace(run=run, retry_number=0, instance=instance)
    assert [sorted(reported_by_this_run(context, key, KEYS)) for key in (SHARDS, LABELS)] == [there, there]


def test_each_partition_of_a_range_is_reported_for_itself(vocabulary: Project, instance: dg.DagsterInstance) -> None:
    result = run_range(instance, KEYS[0], KEYS[3])
    assert result.success
    shards, labels = made(instance, SHARDS), made(instance, LABELS)
    assert sorted(shards) == sorted(labels) == KEYS
    for key in KEYS:
        manifest = read_manifest(ShardKey.parse(key), vocabulary.data)
        tags = shards[key].tags or {}
        assert tags["dagster/data_version"] == manifest.digest
        assert shards[key].metadata["digest"].value == manifest.digest
        assert (labels[key].tags or {})["dagster/input_data_version/rollout_shards"] == manifest.digest
    assert len({str(shard.metadata["digest"].value) for shard in shards.values()}) == 4
    evaluations = {(e.check_name, e.partition) for e in result.get_asset_check_evaluations()}
    assert evaluations == {
        (name, key)
        for name in ("tokens_in_range", "shard_reproduces", "rollouts_differ", "labels_complete")
        for key in KEYS
    }


def test_a_partition_that_can_not_be_made_does_not_stop_the_others(
    vocabulary: Project, instance: dg.DagsterInstance
) -> None:
    run_range(instance, KEYS[0], KEYS[3], {SHARDS})
    file = vocabulary.data.tokens_file(ShardKey("set1", 1))
    with np.load(local(file), allow_pickle=False) as shard:
        members = {name: shard[name] ^ 1 for name in shard}
    np.savez_compressed(local(file), allow_pickle=False, **members)
    result = run_range(instance, KEYS[0], KEYS[3], {LABELS})
    assert not result.success
    [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data
    assert "shard_00001.npz: rollout_000004 differs from its digest" in str(failure.user_failure_data.description)
    assert sorted(made(instance, LABELS)) == [KEYS[0], KEYS[2], KEYS[3]]


def test_a_full_disk_ends_the_run_at_once_and_keeps_what_is_done(
    vocabulary: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = shard_writing.write_members, []

    def full_at_the_third(rollouts: Iterator[Any], file: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            file.write(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(rollouts, file)

    monkeypatch.setattr(shard_writing, "write_members", full_at_the_third)
    result = run_range(instance, KEYS[0], KEYS[3])
    assert not result.success
    [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data
    assert "No space left on device. Free space" in str(failure.user_failure_data.description)
    assert sorted(made(instance, SHARDS)) == sorted(made(instance, LABELS)) == KEYS[:2]
    assert len(calls) == 3
    assert not list(local(vocabulary.data / "nca_dataset").glob(".*.part"))


RUN = """
import dagster as dg
from nca_assets.in_process import project_instance
from nca_assets.definitions import defs
with project_instance() as instance:
    tags = {"dagster/asset_partition_range_start": "set1-00000", "dagster/asset_partition_range_end": "set1-00003"}
    defs.resolve_job_def("make_shard").execute_in_process(instance=instance, tags=tags)
"""


@pytest.mark.slow
def test_what_is_finished_survives_kill_9(
    vocabulary: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind(instance, Project.load().data)  # a copy, so in another place than the one that was bound
    description_file(vocabulary.dataset.data).unlink()  # so that the next run describes a dataset of longer shards
    monkeypatch.setenv("NCA_SHARD_SIZE", "48")
    with subprocess.Popen([sys.executable, "-c", RUN], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 120
        while len(made(instance, SHARDS)) < 2:
            assert time.monotonic() < deadline
            assert run.poll() is None
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
    done = sorted(made(instance, SHARDS))
    assert KEYS[:2] == done[:2]
    assert len(done) < 4
    project = Project.load()
    for key in done:
        assert read_manifest(ShardKey.parse(key), project.data).digest
    pending = find_pending(project, instance)
    assert not set(pending.shards) & set(done)
    assert KEYS[3] in pending.shards
    assert run_range(instance, KEYS[len(done)], KEYS[3]).success
    assert sorted(made(instance, SHARDS)) == KEYS
    assert vocabulary.data == project.data
