"""After faults in every kind of file, before commands and queries, at deaths and full disks: no traceback, no hang, no
other answer without a word, nothing lost. With ``FAULTS=20000`` the long tests do as many; ``-s`` shows the counts."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from nca_assets_tests import warm
from nca_assets_tests.faults import lab
from nca_assets_tests.faults.writing import compile_disk

pytestmark = pytest.mark.slow

FAULTS = int(os.environ.get("FAULTS", "500"))

FEW = {"bytes": 100, "answers": 10, "sql": 20}
MANY = {
    "bytes": FAULTS, "commands": FAULTS // 10, "sql": FAULTS // 40, "kills": max(FAULTS // 100, 12),
    "disks": max(FAULTS // 100, 12), "stories": max(FAULTS // 100, 3),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


def done(folder: Path, trials: str, count: int, seed: int) -> list[list[str]]:
    """What was wrong in each of ``count`` trials."""
    arguments = [lab.__file__, str(folder / "world"), trials, str(count), str(seed)]
    if trials in ("kills", "disks", "stories"):
        library = {"LD_PRELOAD": str(compile_disk(folder))}
        ran: subprocess.CompletedProcess[str] = _process(arguments, library)
    else:
        ran = warm.completed(arguments, Path.cwd())
    assert ran.returncode == 0, ran.stderr[-5000:]
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    print(trials, len(found), Counter(tried.split(" ")[0] for tried, _ in found))
    return [wrong for _, wrong in found]


def _process(arguments: list[str], library: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A process of its own: what is to stand before the C library is loaded when it begins."""
    return subprocess.run(
        [sys.executable, "-P", *arguments], env=os.environ | library, capture_output=True, text=True, check=False
    )


def check(folder: Path, trials: str, count: int, seed: int) -> None:
    found = done(folder, trials, count, seed)
    assert len(found) >= count
    assert [wrong for wrongs in found for wrong in wrongs] == []


@pytest.mark.parametrize("trials", FEW)
def test_some_of_each_kind(folder: Path, trials: str) -> None:
    check(folder, trials, FEW[trials], seed=0)


@pytest.mark.long
@pytest.mark.parametrize("trials", MANY)
def test_many_of_each_kind(folder: Path, trials: str) -> None:
    check(folder, trials, MANY[trials], seed=1)
