"""On a terminal, a run shows how far it is; in its log, it writes lines with a rate and the time left."""

import os
import pty
import re
import subprocess
import termios

import pytest

from nca_assets.orchestration import reporting
from nca_assets_tests.end_to_end.conftest import NCA, Project


@pytest.mark.slow
def test_a_terminal_shows_a_bar(small_project: Project) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    command = [NCA, "materialize", "set1-00000"]
    with subprocess.Popen(
        command, cwd=small_project.folder, env=small_project.environment, stderr=theirs, stdout=subprocess.PIPE
    ) as run:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:  # how a pseudo-terminal says that the other side has closed
            pass
        os.close(ours)
        run.communicate()
    assert run.returncode == 0
    assert re.search(rb"set1-00000: +\d+%\|.*\| \d/4 ", shown), shown


def test_the_log_has_lines_with_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    seconds = iter(range(0, 100, 3))
    monkeypatch.setattr(reporting.time, "monotonic", lambda: next(seconds))

    class Context:
        class log:  # noqa: N801
            info = lines.append

    with reporting.progress_in_log(Context, "set1-00000", "rollouts") as progress:  # pyright: ignore[reportArgumentType]
        for done in range(1, 7):
            progress(done, 6)
    assert lines == [
        "set1-00000: 2 of 6 rollouts, 0.3 per second, 12 s left",
        "set1-00000: 4 of 6 rollouts, 0.3 per second, 6 s left",
        "set1-00000: 6 of 6 rollouts, 0.3 per second, 0 s left",
    ]
