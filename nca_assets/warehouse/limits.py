"""Limits on a query: its time, its memory, and the size of its result in a file."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from nca_assets.errors import NcaError
from nca_assets.settings import Queries, load

EVERY_S = 0.2
GRACE_S = 5
"""Seconds that DuckDB has to obey an interruption."""
PROGRAM_BYTES = 2_000_000_000
"""Memory of the program without its query: libraries, and stacks of threads."""


@contextmanager
def limited(connection: duckdb.DuckDBPyConnection, into: Path | None = None) -> Iterator[None]:
    """Interrupt the queries of ``connection`` when they exceed the limits of the settings; ``into`` is the file that
    their result is written to. Raises ``NcaError`` that names the limit."""
    limits = load(Queries)
    exceeded: list[str] = []
    done = threading.Event()
    end = time.monotonic() + limits.sql_seconds

    def watch() -> None:
        while not done.wait(max(0.0, min(EVERY_S, end - time.monotonic()))):
            if time.monotonic() >= end:
                exceeded.append(
                    f"the query took more than {limits.sql_seconds:g} seconds: NCA_SQL_SECONDS is the limit"
                )
            elif into and into.exists() and into.stat().st_size > limits.sql_disk_gb * 1e9:
                exceeded.append(f"the result has more than {limits.sql_disk_gb:g} GB: NCA_SQL_DISK_GB is the limit")
            if exceeded:
                connection.interrupt()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except (NcaError, KeyboardInterrupt) as error:
        if exceeded:
            raise NcaError(exceeded[0]) from error
        raise
    finally:
        done.set()
        watcher.join()


@contextmanager
def limited_process() -> Iterator[None]:
    """Limits on this process, for as long as it runs nothing but a query: work that DuckDB does not interrupt, like
    planning, or one huge string, neither outlives its time nor takes all of the machine's memory."""
    limits = load(Queries)

    def end() -> None:
        message = f"the query took more than {limits.sql_seconds:g} seconds and could not be interrupted"
        print(f"nca: {message}: NCA_SQL_SECONDS is the limit", file=sys.stderr, flush=True)
        os._exit(1)

    timer = threading.Timer(limits.sql_seconds + GRACE_S, end)
    timer.daemon = True
    before = resource.getrlimit(resource.RLIMIT_DATA)
    most = int(2 * limits.sql_memory_gb * 1e9) + PROGRAM_BYTES
    if before[0] == resource.RLIM_INFINITY or most < before[0]:
        resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        resource.setrlimit(resource.RLIMIT_DATA, before)
