"""Of all processes that want to write the same thing, one does at a time, and none waits for a dead one."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nca_assets.errors import NcaError, TransientError
from nca_assets.store import exclusive
from nca_assets.store.exclusive import alone

HOLDER = """
import sys, time
from pathlib import Path
from nca_assets.store.exclusive import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_many_take_turns_and_leave_nothing(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(10):
            with alone(tmp_path / "final"):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 40
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_waited_for_and_ends_with_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = [sys.executable, "-c", HOLDER, str(tmp_path / "final")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with monkeypatch.context() as impatient:
            impatient.setattr(exclusive, "MAX_WAIT", 0.1)
            with pytest.raises(TransientError, match=r"another process has been writing .*final for 0 s: stop it"):
                alone(tmp_path / "final").__enter__()
        holder.send_signal(signal.SIGKILL)
    with alone(tmp_path / "final"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_refuses_a_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NcaError, match=r"can't write .*final"):
        alone(tmp_path / "file" / "final").__enter__()
