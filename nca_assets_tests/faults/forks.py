"""Work in forks of one process that has imported everything and used nothing: as good as a new process, at once."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nca_assets_tests import warm


@dataclass(frozen=True)
class Ended:
    """How a fork ended: its status, negative for the signal that ended it and None if it took too long; and what it
    printed."""

    status: int | None
    out: str
    err: str

    @property
    def fault(self) -> str:
        """What no command may do, if it did: hang, die, or let an exception through."""
        if self.status is None:
            return "it hangs"
        if self.status not in (0, 1, 2, 130):
            return f"it ended with {self.status}"
        if "Traceback" in self.err or "panicked" in self.err:
            return "a traceback"
        if self.status == 1 and not any(line.startswith("nca: ") for line in self.err.splitlines()):
            return "it fails without a line"
        return ""


def preload() -> None:
    """Import what forks need. Nothing is executed: polars hangs in a fork of a process that has used it."""
    for module in warm.LARGE:
        __import__(module)
    import nca_assets.cli.main
    import nca_assets.explorer.selection
    import nca_assets.figures.animation
    import nca_assets.in_process
    import nca_assets.loading.unpacked
    import nca_assets.orchestration.assets.column_lineage
    import nca_assets.orchestration.backfill.overview
    import nca_assets.publishing.publish
    import nca_assets.sequences.files
    import nca_assets.shards.imported
    import nca_assets.warehouse.verify  # noqa: F401
    from nca_assets.definitions import defs

    for job in ("learn_vocabulary", "make_shard", "build_analytics", "freeze_collection", "import_shard"):
        defs.resolve_job_def(job)


def forked(work: Callable[[], object], scratch: Path, seconds: float = 60) -> Ended:
    """Do ``work`` in a fork, whose output goes into files in ``scratch``."""
    scratch.mkdir(parents=True, exist_ok=True)
    out, err = scratch / "out", scratch / "err"
    child = os.fork()
    if child == 0:
        _become(work, out, err)
    status = _waited(child, seconds)
    return Ended(status, out.read_text(errors="replace"), err.read_text(errors="replace"))


def command(*arguments: str) -> Callable[[], None]:
    """The ``nca`` command with these arguments, as work."""

    def run() -> None:
        from nca_assets.cli.main import main

        sys.argv = ["nca", *arguments]
        main()

    run.__name__ = " ".join(arguments)
    return run


def _become(work: Callable[[], object], out: Path, err: Path) -> None:
    for number, file in ((1, out), (2, err)):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    status = 1
    try:
        work()
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _waited(child: int, seconds: float) -> int | None:
    end, pause = time.monotonic() + seconds, 0.001
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(pause * 1.3, 0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
