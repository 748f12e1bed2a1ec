"""A process beside the UI that says where the UI is as soon as it answers, then ends: ``announce ADDRESS PID``."""

from __future__ import annotations

import os
import signal
import sys
import time
import urllib.request

SECONDS_BETWEEN_LOOKS = 0.5


def announce(address: str, parent: int) -> None:
    """Wait until ``address`` answers, and print it; give up when ``parent``, which started this process, is gone."""
    while os.getppid() == parent:
        try:
            with urllib.request.urlopen(f"{address}/server_info"):  # noqa: S310 - ours
                print(f"Dagster's UI: {address} (Ctrl-C ends it)", flush=True)
                return
        except OSError:
            time.sleep(SECONDS_BETWEEN_LOOKS)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends without a traceback
    announce(sys.argv[1], int(sys.argv[2]))
