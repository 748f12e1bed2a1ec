"""A process that makes four partitions and the warehouse dies at one point after another; after one tick of ``top_up``
and one build nothing is missing, stale, made twice or left over, and files, events and SQL agree."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from nca_assets_tests import warm
from nca_assets_tests.end_to_end import recovery
from nca_assets_tests.servers import S3, stopped

pytestmark = pytest.mark.slow

KINDS = ("write", "rename", "lock", "commit", "removal")
EACH = int(os.environ.get("FAULT_POINTS", "4"))
"""Points of each kind in the long tests; FAULT_POINTS=1000 is every point, which takes hours."""

SET = '[sets.set1]\nseed = 1\nfolder = "nca_dataset"\n'


def cases(folder: Path, numbers: list[Any], place: str = "", **environment: str) -> list[dict[str, Any]]:
    (folder / "nca.toml").write_text(SET)
    arguments = [recovery.__file__, str(folder), place, *map(str, numbers)]
    done = warm.completed(arguments, folder, os.environ | {"OMP_NUM_THREADS": "1"} | environment)
    assert done.returncode == 0, done.stderr[-5000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def sampled(points: list[list[str]], each: int) -> list[int]:
    """Some points of each kind, the same every time."""
    chosen: set[int] = set()
    for kind in sorted({point[1] for point in points}):
        numbers = [int(point[0]) for point in points if point[1] == kind]
        chosen |= set(random.Random(kind).sample(numbers, min(each, len(numbers))))
    return sorted(chosen)


def check(undisturbed: dict[str, Any], found: list[dict[str, Any]]) -> None:
    assert undisturbed["faults"] == []
    wrong = [(case["points"], case["faults"]) for case in found if case["faults"]]
    wrong += [(case["points"], case["digests"]) for case in found if case.get("digests") != undisturbed["digests"]]
    assert wrong == []


def test_some_points(tmp_path: Path) -> None:
    [undisturbed] = cases(tmp_path, ["dry"])
    assert {point[1] for point in undisturbed["points"]} == set(KINDS)
    check(undisturbed, cases(tmp_path, sampled(undisturbed["points"], 2)))


@pytest.mark.long
def test_more_points(tmp_path: Path) -> None:
    [undisturbed] = cases(tmp_path, ["dry"])
    check(undisturbed, cases(tmp_path, sampled(undisturbed["points"], EACH)))


@pytest.mark.long
def test_some_points_in_a_bucket(tmp_path: Path) -> None:
    with stopped(S3(tmp_path)) as server:
        [undisturbed] = cases(tmp_path, ["dry"], "s3://nca", **server.environment)
        assert "upload" in {point[1] for point in undisturbed["points"]}
        points = sampled(undisturbed["points"], EACH // 2)
        check(undisturbed, cases(tmp_path, points, "s3://nca", **server.environment))
