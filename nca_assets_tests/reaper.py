"""No process outlives a test run, however it ends: a watcher kills all that the run has started once it is gone."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from uuid import uuid4

import psutil

MARK = "TEST_RUN"
"""The environment variable by which a run's processes are known."""

SECONDS_BETWEEN_LOOKS = 0.5


def watch_this_run() -> None:
    """Mark this process's future children, and start the watcher of both."""
    unmarked = dict(os.environ)
    os.environ[MARK] = uuid4().hex
    subprocess.run(
        [sys.executable, __file__, os.environ[MARK], str(os.getpid()), str(os.getppid())], env=unmarked, check=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def wait_and_kill(mark: str, run: int, parent: int) -> None:
    """Once process ``run`` has ended, or has lost its ``parent`` (make, say), kill it and all that bear the mark."""
    with suppress(psutil.NoSuchProcess):
        watched = psutil.Process(run)
        while watched.is_running() and watched.status() != psutil.STATUS_ZOMBIE and watched.ppid() == parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        watched.kill()
    while orphans := [process for process in psutil.process_iter(["environ"]) if _bears(process, mark)]:
        for process in orphans:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(orphans, timeout=5)


def _bears(process: psutil.Process, mark: str) -> bool:
    return (process.info["environ"] or {}).get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE


if __name__ == "__main__":
    if os.fork():
        sys.exit()  # so that the run has no child that it would have to wait for
    wait_and_kill(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
