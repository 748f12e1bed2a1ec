"""Commands and programs in forks of one process that has imported the large libraries: as good as a process of their
own, without the seconds that its imports take."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn, TypedDict

LARGE = (
    "dagster", "dagster._cli", "duckdb", "matplotlib.pyplot", "numba", "PIL.Image", "polars", "pyarrow.parquet",
    "pydantic_settings", "rich.table", "sklearn.cluster", "torch", "typer",
)  # fmt: skip
"""No module of ours: some read the environment when they are imported, which each command has of its own."""


def completed(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the ``nca`` command with arguments, or a Python program as ``["-c", text]`` or ``["file.py", ...]``, in
    ``folder``; by default in this process's own environment."""
    with tempfile.TemporaryDirectory() as scratch:
        out, err = Path(scratch) / "out", Path(scratch) / "err"
        order = Order(
            arguments=list(arguments), folder=str(folder), environment=dict(environment or os.environ), out=str(out),
            err=str(err),
        )  # fmt: skip
        return subprocess.CompletedProcess(arguments, _run(order), out.read_text(), err.read_text())


class Order(TypedDict):
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    out: str
    err: str


@cache
def _server() -> subprocess.Popen[str]:
    """This test process's own server, which ends with it."""
    process = subprocess.Popen(
        # -P: the installed package, as for a user, not what lies in the working folder.
        [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(process.communicate)
    return process


def _run(order: Order) -> int:
    """The exit status, negative for the signal that ended it."""
    process = _server()
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def serve() -> None:
    """Run what is ordered on stdin, one after the other."""
    for module in LARGE:
        __import__(module)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            answers.close()
            obey(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)


def obey(order: Order) -> NoReturn:
    """Become the process that ``order`` asks for."""
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for number, name, mode in ((0, os.devnull, os.O_RDONLY), (1, order["out"], WRITE), (2, order["err"], WRITE)):
        opened = os.open(name, mode)
        os.dup2(opened, number)
        os.close(opened)
    status = 1
    try:
        status = ended(order["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def ended(arguments: list[str]) -> int:
    """Run the command or program, and give its exit status."""
    import traceback

    try:
        execute(arguments)
    except SystemExit as stop:
        if stop.code is not None and not isinstance(stop.code, int):
            print(stop.code, file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def execute(arguments: list[str]) -> None:
    import runpy

    if arguments[0] == "nca":
        from nca_assets.cli.main import main

        sys.argv = arguments
        main()
    elif arguments[0] == "-c":
        sys.argv = ["-c"]
        exec(compile(arguments[1], "<program>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(arguments[0]).parent))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    serve()
