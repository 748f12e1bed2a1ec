"""What a test run has started is killed with it, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from nca_assets_tests import reaper

RUN = """
import subprocess, sys, time
from collections.abc import Callable
from pathlib import Path
from nca_assets_tests.reaper import watch_this_run

watch_this_run()
server = subprocess.Popen(["sleep", "600"], start_new_session=True)
Path(sys.argv[1]).write_text(str(server.pid))
if sys.argv[2] == "killed":
    time.sleep(600)
"""


@pytest.mark.parametrize("end", ["killed", "failed to stop its server"])
def test_no_process_outlives_its_run(tmp_path: Path, end: str) -> None:
    file = tmp_path / "server"
    run = subprocess.Popen([sys.executable, "-c", RUN, str(file), end])
    eventually(lambda: file.exists() and file.read_text() != "")
    server = psutil.Process(int(file.read_text()))
    if end == "killed":
        run.send_signal(signal.SIGKILL)
    run.wait()
    eventually(lambda: not server.is_running())


def test_a_run_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    file = tmp_path / "server"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {RUN!r}, {str(file)!r}, 'killed'])"
    make = subprocess.Popen([sys.executable, "-c", start])
    eventually(lambda: file.exists() and file.read_text() != "")
    [run] = psutil.Process(make.pid).children()
    server = psutil.Process(int(file.read_text()))
    make.kill()
    make.wait()
    eventually(lambda: not run.is_running() and not server.is_running())


def test_this_run_is_watched() -> None:
    assert os.environ[reaper.MARK]


def eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)
