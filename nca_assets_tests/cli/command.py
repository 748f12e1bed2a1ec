"""Running the ``nca`` command in the test's own process."""

import sys

import pytest

from nca_assets.cli.main import main

Capture = pytest.CaptureFixture[str]
CaptureBytes = pytest.CaptureFixture[bytes]


def nca(*arguments: str) -> int:
    """Run the command in this process and give its exit status."""
    before, sys.argv = sys.argv, ["nca", *arguments]
    try:
        main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    finally:
        sys.argv = before
    return 0
