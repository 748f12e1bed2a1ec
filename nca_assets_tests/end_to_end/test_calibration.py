"""The recipe's mix over 3,000 rollouts, from shards to SQL: its bars, and what ``docs/CALIBRATION.md`` tells."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import numpy as np
import pytest
import torch

from nca_assets.automaton.compiled import simulate
from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources, load
from nca_assets.shards.write import write_shard
from nca_assets.tasks.entropy import entropy_of
from nca_assets.tasks.floor import Futures
from nca_assets.tasks.long_horizon import TASK
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import PROJECT

SHARDS, ROLLOUTS = 4, 250

DOCUMENT = (PROJECT / "docs" / "CALIBRATION.md").read_text()

BY_FAMILY = """
SELECT
    family, count(*), 100 * avg(change_48_112), 100 * avg(change_renamed_48_112),
    100 * avg((ground_share >= 0.5)::INT),
    100 * avg((domains >= 0.1)::INT) FILTER (ground_share < 0.8),
    100 * avg((period IS NOT NULL)::INT)
FROM labels GROUP BY ALL ORDER BY family
"""
WHOLE = """
SELECT
    100 * avg((behavior = 'static')::INT) AS static,
    100 * avg(change_48_112) AS change,
    100 * avg(change_renamed_48_112) AS renamed,
    100 * avg((period IS NOT NULL)::INT) AS periods,
    100 * avg((period = 2)::INT) AS of_two,
    100 * avg((late_change < 0.05 OR late_change > 0.9)::INT) AS two_speeds,
    100 * avg((domains >= 0.1)::INT) FILTER (ground_share < 0.8) AS domains,
    100 * avg((ground_share >= 0.5)::INT) AS ground,
    100 * avg((ground_share > 0.97 AND ground_still > 0.9)::INT) AS near_empty,
    100 * avg((behavior IN ('gliding', 'breathing'))::INT) AS localized,
    100 * avg((behavior IN ('gliding', 'translating'))::INT) AS movers
FROM labels
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """A dataset of the real length."""
    folder = tmp_path_factory.mktemp("calibration")
    return DataFolder.create(folder, Shape(shard_size=ROLLOUTS, sets=card_sets(frames=500)))


@pytest.fixture(scope="module")
def labels(data: DataFolder, centroids: torch.Tensor) -> Any:
    """Labels and tables of the first 1,000 rollouts of each set."""
    resources = load(Resources)
    save_centroids(centroids, data, "learned")
    for key in (ShardKey(name, number) for name in data.sets for number in range(SHARDS)):
        write_shard(key, centroids, data, resources)
        write_labels(key, data, resources)
    build_warehouse(data)
    with connect(data) as connection:
        yield connection


@pytest.mark.long
def test_every_target_of_the_comparison_with_the_card_is_met(labels: duckdb.DuckDBPyConnection) -> None:
    compared = labels.execute("SELECT statistic, ours, within_target FROM card_comparison").fetchall()
    assert [row for row in compared if row[2] is False] == []
    assert sum(row[2] is True for row in compared) >= 18


@pytest.mark.long
def test_the_mix_is_rich(labels: duckdb.DuckDBPyConnection) -> None:
    whole = labels.execute(WHOLE).pl().row(0, named=True)
    print({name: round(value, 2) for name, value in whole.items()})
    assert whole["static"] < 0.1
    assert 78 <= whole["change"] <= 87
    assert whole["renamed"] >= 40
    assert whole["periods"] >= 30
    assert whole["of_two"] <= 10
    assert whole["two_speeds"] <= 45
    assert whole["domains"] >= 55
    assert whole["ground"] >= 15
    assert whole["near_empty"] <= 6
    assert whole["localized"] >= 8
    assert whole["movers"] >= 3
    assert [f"{name} {value:.1f} %" for name, value in whole.items() if f"| {value:.1f} % |" not in DOCUMENT] == []


@pytest.mark.long
def test_the_tokens_have_a_head(labels: duckdb.DuckDBPyConnection) -> None:
    compared = dict(labels.execute("SELECT statistic, ours FROM card_comparison").fetchall())
    first, five = compared["most frequent token"], compared["five most frequent tokens"]
    assert 15 <= first <= 32
    assert five >= 50
    assert f"| {first:.1f} %; {five:.1f} % |" in DOCUMENT


@pytest.mark.long
def test_no_corner_of_the_phase_space_holds_them_all(labels: duckdb.DuckDBPyConnection) -> None:
    points = labels.execute("SELECT late_change, tail_entropy FROM labels").fetchall()
    cells = Counter((int(min(9, 10 * change)), int(min(9, 2 * entropy))) for change, entropy in points)
    fullest = 100 * max(cells.values()) / len(points)
    print(len(cells), fullest)
    assert len(cells) >= 70
    assert fullest <= 10
    assert f"| {len(cells)}; {fullest:.1f} % |" in DOCUMENT


@pytest.mark.long
def test_no_class_holds_them_all(labels: duckdb.DuckDBPyConnection) -> None:
    shares = dict(labels.execute("SELECT behavior, percent FROM behavior_summary").fetchall())
    assert max(shares.values()) <= 35
    assert sum(percent >= 2 for percent in shares.values()) >= 8
    assert [
        f"| {name} | {percent:.1f} % |"
        for name, percent in shares.items()
        if f"| {name} | {percent:.1f} % |" not in DOCUMENT
    ] == []


@pytest.mark.long
def test_each_family_is_as_told(labels: duckdb.DuckDBPyConnection) -> None:
    rows = labels.execute(BY_FAMILY).fetchall()
    lines = [
        f"| {name} | {count} | " + " | ".join("" if share is None else f"{share:.0f}" for share in shares) + " |"
        for name, count, *shares in rows
    ]
    assert [line for line in lines if line not in DOCUMENT] == []


@pytest.mark.long
def test_what_lies_ahead_can_mostly_be_known(data: DataFolder, centroids: torch.Tensor) -> None:
    futures = Futures(data, centroids, number=64)
    ratios = []
    for rollout in (RolloutId(name, 7 * i) for name in data.sets for i in range(128)):
        tokens = simulate(data.rule(rollout.set, rollout.index), centroids, 113)
        shares = np.bincount(tokens[112].ravel(), minlength=32) / tokens[112].size
        entropy = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
        if entropy > 0.1:
            ratios.append(entropy_of(futures(rollout, (TASK,))[:, 0]).value / entropy)
    hopeless = 100 * np.mean(np.array(ratios) > 0.9)
    print(np.mean(ratios), hopeless)
    assert np.mean(ratios) <= 0.50
    assert hopeless <= 20
    assert f"| {np.mean(ratios):.2f}; {hopeless:.1f} % |" in DOCUMENT
