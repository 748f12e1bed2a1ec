"""Shards whose classes are not as usual, and statistics that miss their targets."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.warehouse.outliers import find_outliers, missed_targets
from nca_assets_tests.conftest import local

SHARES = {"turbulent": 0.4, "radiating": 0.35, "rhythmic": 0.2, "noisy": 0.048, "static": 0.002}


def usual_shards(shards: int, size: int) -> list[list[str]]:
    draw = np.random.default_rng(0)
    return [draw.choice(list(SHARES), size, p=list(SHARES.values())).tolist() for _ in range(shards)]


def warehouse(folder: Path, shards: Sequence[Sequence[str]], recipe: int | None = 1) -> DataFolder:
    data = DataFolder.create(folder, Shape(shard_size=64, sets=card_sets(500)))
    with duckdb.connect(local(data.warehouse_file())) as connection:
        connection.execute(
            "CREATE TABLE labels (set_name VARCHAR, shard INTEGER, behavior VARCHAR, recipe_version INTEGER)"
        )
        for number, behaviors in enumerate(shards):
            connection.execute("INSERT INTO labels SELECT 'set1', ?, unnest(?), ?", [number, behaviors, recipe])
    return data


@pytest.mark.parametrize(("shards", "size"), [(100, 64), (12, 1024), (3000, 4)])
def test_shards_of_one_kind_have_no_outlier(tmp_path: Path, shards: int, size: int) -> None:
    assert find_outliers(warehouse(tmp_path, usual_shards(shards, size))) == []


def test_an_outlier_is_found_and_described(tmp_path: Path) -> None:
    shards = usual_shards(100, 64)
    shards[7] = ["static"] * 40 + shards[7][40:]
    first, *others = find_outliers(warehouse(tmp_path, shards))
    assert (first.partition_key, first.behavior) == ("set1-00007", "static")
    assert first.rollouts >= 40
    assert str(first).startswith(f"set1-00007 has {first.rollouts} static rollouts, expected 0.")
    assert {outlier.partition_key for outlier in others} <= {"set1-00007"}


def test_a_class_that_is_missing_from_one_shard_is_found(tmp_path: Path) -> None:
    shards = usual_shards(30, 1024)
    shards[3] = ["radiating" if behavior == "turbulent" else behavior for behavior in shards[3]]
    found = {(outlier.behavior, outlier.rollouts) for outlier in find_outliers(warehouse(tmp_path, shards))}
    assert ("turbulent", 0) in found


def test_few_shards_and_imported_ones_are_not_compared(tmp_path: Path) -> None:
    odd = [["static"] * 64, *usual_shards(10, 64)]
    assert find_outliers(warehouse(tmp_path / "few", odd)) == []
    odd += usual_shards(100, 64)
    assert find_outliers(warehouse(tmp_path / "imported", odd, recipe=None)) == []
    assert find_outliers(warehouse(tmp_path / "many", odd))


def test_missed_targets_are_reported_once_there_are_enough_rollouts(tmp_path: Path) -> None:
    data = warehouse(tmp_path, usual_shards(10, 64))
    with duckdb.connect(local(data.warehouse_file())) as connection:
        connection.execute(
            "CREATE TABLE card_comparison AS SELECT * FROM (VALUES ('static', '%', 0.5, '0 to 0.1', false), "
            "('change', '%', 83.0, '81 to 85', true), ('top', '%', 20.0, NULL, NULL)) "
            "AS t(statistic, unit, ours, target, within_target)"
        )
    assert missed_targets(data, fewest=641) is None
    assert missed_targets(data, fewest=640) == ["static: 0.5 %, target 0 to 0.1"]
