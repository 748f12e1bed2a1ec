"""Entry point of the ``nca`` command."""

from __future__ import annotations

import gc
import os
import sys
from io import TextIOWrapper
from pathlib import Path

from nca_assets.cli import (
    bring_in,
    kinds,
    operate,
    pictures,
    publishing,
    rollouts,
    sequences,
    start,
    tasks,
    verification,
    warehouse,
)
from nca_assets.cli.app import app
from nca_assets.errors import NcaError
from nca_assets.orchestration.instance.database import clear_database_errors

COMMANDS = (start, rollouts, kinds, verification, operate, warehouse, pictures, publishing, sequences, tasks, bring_in)
"""Modules that add their subcommands on import."""

EXTRAS: dict[str, str] = dict.fromkeys(
    ("av", "dagster", "huggingface_hub", "jinja2", "matplotlib", "PIL", "psutil", "sqlglot"), "platform"
)
EXTRAS |= {"obstore": "s3", "ray": "scale"}
"""The extra that installs each optional package."""


ALLOCATIONS = 50_000
"""Between two looks for garbage. Loading Dagster makes millions of objects to keep, so Python's 700 cost a tenth of the
time of a short command."""


def main() -> None:
    """Run the command; a failure is one line on stderr and exit status 1."""
    gc.set_threshold(ALLOCATIONS)
    if sys.stdout is None:  # closed
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # where the locale is not of UTF-8
    try:
        with clear_database_errors():
            try:
                app()
            finally:
                sys.stdout.flush()
    except NcaError as error:
        print(f"nca: {error}", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if not (extra := EXTRAS.get(str(error.name).partition(".")[0])):
            raise
        print(f"nca: this needs {error.name}: pip install 'nca-assets[{extra}]'", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.filename is not None:
            raise
        # Writing to stdout failed. Python would try to flush it again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            print(f"nca: can't write the output: {error.strerror}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
