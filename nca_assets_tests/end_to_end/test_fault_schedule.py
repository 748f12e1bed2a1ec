"""A process that makes four partitions and the warehouse dies at one point after another; after one tick of ``top_up``
and one build nothing is missing, stale, made twice or left over, and files, events and SQL agree."""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nca_assets_tests import warm
from nca_assets_tests.end_to_end import recovery
from nca_assets_tests.servers import S3, stopped

pytestmark = pytest.mark.long

KINDS = ("write", "rename", "lock", "commit", "removal")
EACH = int(os.environ.get("FAULT_POINTS", "1000"))
"""Points of each kind in the long tests; by default all, which takes an hour."""
PARTS = 24

SET = '[sets.set1]\nseed = 1\nfolder = "nca_dataset"\n'


def cases(folder: Path, numbers: list[Any], place: str = "", **environment: str) -> list[dict[str, Any]]:
    if not numbers:
        return []
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("schedule")


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> dict[str, Any]:
    [found] = cases(folder, ["dry"])
    return found


@pytest.mark.each_share
def test_some_points(folder: Path, undisturbed: dict[str, Any]) -> None:
    assert {point[1] for point in undisturbed["points"]} == set(KINDS)
    check(undisturbed, cases(folder, sampled(undisturbed["points"], 2)))


@pytest.mark.each_share
def test_some_points_of_partitions_without_tokens(folder: Path, undisturbed: dict[str, Any]) -> None:
    token_free = {"NCA_KEEP_TOKENS": "none", "NCA_KEEP_CURVES": "none"}
    [found] = cases(folder, ["dry"], **token_free)
    check(undisturbed, [found])
    written = ("nca_dataset/shard_00001.json", "labels/set=1/shard=00002.parquet")
    points = [int(point[0]) for end in written for point in found["points"] if " ".join(point).endswith(end)]
    check(undisturbed, cases(folder, points[:1] + points[-1:], **token_free))


@pytest.mark.parametrize("part", range(PARTS))
def test_points(folder: Path, undisturbed: dict[str, Any], part: int) -> None:
    check(undisturbed, cases(folder, sampled(undisturbed["points"], EACH)[part::PARTS]))


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, S3, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("bucket")
    with stopped(S3(folder)) as server:
        [found] = cases(folder, ["dry"], "s3://nca", **server.environment)
        yield folder, server, found


@pytest.mark.parametrize("part", range(PARTS))
def test_points_in_a_bucket(bucket: tuple[Path, S3, dict[str, Any]], part: int) -> None:
    folder, server, undisturbed = bucket
    assert "upload" in {point[1] for point in undisturbed["points"]}
    points = sampled(undisturbed["points"], EACH)[part::PARTS]
    check(undisturbed, cases(folder, points, "s3://nca", **server.environment))
