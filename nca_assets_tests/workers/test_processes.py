"""One machine uses all its GPUs, each by a process of its own; devices are claimed only."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from nca_assets.automaton import device
from nca_assets.errors import TransientError
from nca_assets.progress import Progress
from nca_assets.project import Project
from nca_assets.workers.choose import make_all
from nca_assets.workers.stages import Made
from nca_assets_tests.conftest import PROJECT
from nca_assets_tests.workers import fakes
from nca_assets_tests.workers.fakes import facts, jobs, require_busy_devices, require_own_devices, unseen

pytestmark = pytest.mark.slow


@pytest.fixture
def project(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """On a machine of two GPUs, two of eight that this process may see."""
    claim_gpus(2, monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-7")
    return replace(project, resources=project.resources.model_copy(update={"device": "auto", "threads": 8}))


def claim_gpus(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(device, "find_spec", lambda _: True)


def test_all_gpus_are_used_each_by_one_process(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    claim_gpus(4, monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,GPU-7")
    notes = facts(list(make_all(jobs(104), project, unseen)))
    assert len(notes) == 104
    require_own_devices(notes)
    require_busy_devices(notes)
    assert {note["used"] for note in notes} == {"4", "5", "6", "GPU-7"}
    assert len({(note["used"], note["process"]) for note in notes}) == 4
    assert os.getpid() not in {note["process"] for note in notes}
    assert {note["threads"] for note in notes} == {2}
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,5,6,GPU-7"


def test_a_slow_shard_holds_back_no_other(project: Project) -> None:
    outcomes = list(make_all(jobs(24, fakes.note_slowly), project, unseen))
    assert outcomes[-1][0].key.number == 0
    shares = Counter(note["process"] for note in facts(outcomes))
    assert shares[facts(outcomes)[-1]["process"]] < 8


def test_progress_counts_partitions(project: Project) -> None:
    seen: list[tuple[int, int]] = []
    titles: list[tuple[str, str]] = []

    @contextmanager
    def watch(what: str, unit: str) -> Iterator[Progress]:
        titles.append((what, unit))
        yield lambda done, total: seen.append((done, total))

    list(make_all(jobs(4), project, watch))
    assert titles == [("partitions on 2 GPUs", "partitions")]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(("setting", "count"), [("auto", 1), ("cuda:1", 4), ("cpu", 4)])
def test_one_partition_or_one_device_is_this_process_s(project: Project, setting: str, count: int) -> None:
    project = replace(project, resources=project.resources.model_copy(update={"device": setting}))
    assert {note["process"] for note in facts(list(make_all(jobs(count), project, unseen)))} == {os.getpid()}


def test_without_cuda_visible_devices_they_are_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    claim_gpus(2, monkeypatch)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert device.cuda_devices("auto") == ["0", "1"]


def test_a_process_that_dies_costs_its_partition_only(project: Project) -> None:
    outcomes = list(make_all(jobs(12, fakes.die_at_three), project, unseen))
    failed = {job.key.number: result for job, _, result in outcomes if not isinstance(result, Made)}
    assert failed.keys() == {3}
    assert isinstance(failed[3], TransientError)
    assert str(failed[3]).startswith("set1-00003: the process that made its rollout_shards on GPU ")
    assert "ended with exit code 9. Look at " in str(failed[3])
    assert len(outcomes) == 12


def test_a_process_whose_gpu_failed_makes_nothing_more(project: Project) -> None:
    outcomes = list(make_all(jobs(12, fakes.fail_on_a_broken_gpu), project, unseen))
    assert [str(result) for _, _, result in outcomes if not isinstance(result, Made)] == ["cuda failed"]
    assert len(outcomes) == 12


def test_when_all_processes_die_every_partition_is_a_failure(project: Project) -> None:
    outcomes = list(make_all(jobs(8, fakes.die_always), project, unseen))
    assert {job.key.number for job, _, _ in outcomes} == set(range(8))
    assert all(isinstance(result, TransientError) for _, _, result in outcomes)
    assert str(outcomes[-1][2]).endswith("no process is left to make it (the log has the failure of each)")


def test_a_mistake_in_the_program_is_raised_with_where_it_was(project: Project) -> None:
    with pytest.raises(ZeroDivisionError, match="a mistake") as raised:
        list(make_all(jobs(4, fakes.make_a_mistake), project, unseen))
    assert "in make_a_mistake" in raised.value.__notes__[0]
    assert not makers(psutil.Process())


def makers(parent: psutil.Process) -> list[psutil.Process]:
    """The processes that make partitions for ``parent``."""
    return [child for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]


def test_closing_ends_the_processes(project: Project) -> None:
    outcomes = make_all(jobs(12), project, unseen)
    next(outcomes)
    begun = makers(psutil.Process())
    assert len(begun) == 2
    outcomes.close()
    assert not any(process.is_running() for process in begun)


RUN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells make what they start in the background ignore it
from nca_assets.workers import processes
from nca_assets.project import Project
from nca_assets_tests.workers import fakes
if __name__ == "__main__":
    list(processes.make_all(fakes.jobs(4, fakes.sleep_long), Project.load(), fakes.unseen, ["0", "1"]))
"""


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGKILL])
def test_the_end_of_a_run_ends_its_processes(project: Project, tmp_path: Path, ended_by: signal.Signals) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN)
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    run = subprocess.Popen([sys.executable, script], env=environment, stderr=subprocess.PIPE, text=True)
    folder = project.dataset.data
    assert isinstance(folder, Path)
    deadline = time.monotonic() + 60
    while len(list(folder.glob("set1-*"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    begun = makers(psutil.Process(run.pid))
    assert len(begun) == 2
    run.send_signal(ended_by)
    assert run.communicate(timeout=30)[1].count("Traceback") == (1 if ended_by == signal.SIGINT else 0)
    assert not psutil.wait_procs(begun, timeout=10)[1]
