"""Boards: differences on the same rollouts, intervals that cover as often as they say, a floor that no model passes."""

import numpy as np
import polars as pl
import pytest

from nca_assets.labels.names import TIERS
from nca_assets.tasks.boards import ALL, BOARDS, as_texts, below_the_floor, boards, curve_as_texts
from nca_assets.tasks.floor import FLOOR
from nca_assets.tasks.long_horizon import HORIZONS
from nca_assets.tasks.scores import SCORES
from nca_assets.warehouse.catalog import BOARD_COLUMNS

ROLLOUTS = 40


def rows(model: str, cross_entropies: np.ndarray, horizon: int = 64) -> pl.DataFrame:
    """Rows of scores from cross-entropies of (seeds, rollouts)."""
    found = [
        {"model": model, "seed": seed, "horizon": horizon, "rollout_id": f"set1/{index:06d}", "trained_on": 9,
         "behavior": "chaotic" if index % 2 else "static",
         "difficulty": (None, *TIERS)[index % 5], "height": 8, "width": 20 + index}
        | dict.fromkeys(SCORES, 0.5) | {"cross_entropy": float(value), "low": None, "high": None}
        for seed, one in enumerate(np.atleast_2d(cross_entropies))
        for index, value in enumerate(one)
    ]  # fmt: skip
    return pl.DataFrame(found, schema_overrides={"low": pl.Float64, "high": pl.Float64})


def floor(cross_entropies: np.ndarray, half: float = 0.1) -> pl.DataFrame:
    value = pl.col("cross_entropy")
    return rows(FLOOR, cross_entropies).with_columns(low=value - half, high=value + half)


@pytest.fixture
def easy_and_hard() -> np.ndarray:
    """Scores that scatter widely, as those of static and chaotic rollouts do."""
    return np.random.default_rng(0).uniform(0.5, 3.4, ROLLOUTS)


def one_board(*tables: pl.DataFrame) -> dict[str, dict]:
    ranked = boards(pl.concat(tables)).filter(board=ALL, horizon=64)
    return {row["model"]: row for row in ranked.to_dicts()}


def test_differences_are_taken_on_the_same_rollouts(easy_and_hard: np.ndarray) -> None:
    worse = easy_and_hard + np.random.default_rng(1).normal(0.1, 0.05, ROLLOUTS)
    found = one_board(rows("better", easy_and_hard), rows("worse", worse), floor(easy_and_hard / 2))
    assert found["worse"]["behind"] == pytest.approx((worse - easy_and_hard).mean())
    assert 0.05 < found["worse"]["behind_low"] < found["worse"]["behind_high"] < 0.15
    assert found["worse"]["high"] - found["worse"]["low"] > 0.3  # as the rollouts differ
    assert found["better"]["behind"] is None
    assert found[FLOOR]["behind"] is None


def test_trainings_that_differ_widen_the_interval(easy_and_hard: np.ndarray) -> None:
    alike = one_board(rows("model", np.stack([easy_and_hard] * 3)), floor(easy_and_hard / 2))["model"]
    apart = one_board(rows("model", easy_and_hard + np.array([[-0.5], [0], [0.5]])), floor(easy_and_hard / 2))["model"]
    assert alike["cross_entropy"] == pytest.approx(apart["cross_entropy"])
    assert apart["high"] - apart["low"] > 1.5 * (alike["high"] - alike["low"])
    assert alike["seeds"] == 3
    assert alike["rollouts"] == ROLLOUTS


def test_the_interval_has_the_mean_of_all_rollouts_and_trainings() -> None:
    """In 95 % of cases; and the difference of two models of which neither is better."""
    chance, covered, tied, trials = np.random.default_rng(2), 0, 0, 60
    for _ in range(trials):
        rollout, seeds = chance.normal(2, 0.5, ROLLOUTS), chance.normal(0, 0.05, (2, 3, 1))
        one, other = (rollout + seed + chance.normal(0, 0.1, (3, ROLLOUTS)) for seed in seeds)
        found = one_board(rows("one", one), rows("other", other), floor(rollout / 2))
        covered += found["one"]["low"] <= 2 <= found["one"]["high"]
        tied += max(found["one"]["behind_low"] or 0, found["other"]["behind_low"] or 0) <= 0
    assert covered / trials >= 0.88
    assert tied / trials >= 0.8


def test_few_rollouts_have_no_interval_but_a_floor(easy_and_hard: np.ndarray) -> None:
    found = one_board(rows("model", easy_and_hard[:4]), floor(easy_and_hard[:4] / 2))
    assert found["model"]["low"] is None
    assert set(found["model"]) == {column.name for column in BOARD_COLUMNS}
    assert found[FLOOR]["low"] < found[FLOOR]["cross_entropy"] < found[FLOOR]["high"]


def test_there_is_a_board_for_each_horizon_class_difficulty_and_size(easy_and_hard: np.ndarray) -> None:
    near = rows("model", easy_and_hard / 2, horizon=1)
    ranked = boards(pl.concat([rows("model", easy_and_hard), near, floor(easy_and_hard / 2)]))
    assert set(ranked.select("board", "value", "horizon").rows()) == {
        (ALL, ALL, 1), (ALL, ALL, 64), ("behavior", "chaotic", 64), ("behavior", "static", 64),
        *(("difficulty", tier, 64) for tier in TIERS),
        ("size", "small", 64), ("size", "medium", 64), ("size", "large", 64),
    }  # fmt: skip
    by_difficulty = ranked.filter(board="difficulty")["value"].unique(maintain_order=True)
    assert by_difficulty.to_list() == list(TIERS)
    chaotic = ranked.filter(value="chaotic", model="model")
    assert chaotic["cross_entropy"].item() == pytest.approx(easy_and_hard[1::2].mean())
    assert chaotic["rollouts"].item() == ROLLOUTS / 2


def test_another_label_needs_only_its_name(easy_and_hard: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nca_assets.tasks.boards.BOARDS", (*BOARDS, "tier"))
    tiers = pl.when(pl.col("height") + pl.col("width") > 40).then(pl.lit("hard")).otherwise(pl.lit("easy"))
    ranked = boards(rows("model", easy_and_hard).with_columns(tier=tiers))
    assert ranked.filter(board="tier")["value"].to_list() == ["easy", "hard"]


def test_a_model_that_has_seen_the_targets_is_found_on_the_board_where_it_has(easy_and_hard: np.ndarray) -> None:
    seen = easy_and_hard.copy()
    seen[1::2] /= 4
    ranked = boards(pl.concat([rows("cheat", seen + 0.5), rows("fair", easy_and_hard), floor(easy_and_hard)]))
    assert {line.split(",")[0] for line in below_the_floor(ranked) if "behavior" in line} == {
        "cheat on behavior chaotic"
    }
    assert not any(line.startswith("fair") for line in below_the_floor(ranked))


def test_the_floor_is_the_surer_the_more_rollouts_it_has(easy_and_hard: np.ndarray) -> None:
    found = one_board(rows("model", easy_and_hard), floor(easy_and_hard, half=0.2))[FLOOR]
    assert found["high"] - found["low"] == pytest.approx(0.4 / np.sqrt(ROLLOUTS))


def test_tables_fit_a_terminal(easy_and_hard: np.ndarray) -> None:
    models = {"rollout unigram": easy_and_hard, "global unigram": easy_and_hard + 0.01, FLOOR: easy_and_hard / 2}
    ranked = boards(pl.concat(rows(name, ce, horizon) for name, ce in models.items() for horizon in HORIZONS))
    columns, texts = curve_as_texts(ranked)
    task = as_texts(ranked.filter(board=ALL, horizon=64))
    assert columns == ["model", *map(str, HORIZONS)]
    assert [row[0] for row in texts] == [FLOOR, "rollout unigram", "global unigram"]
    for heading, *lines in ([columns, *texts], [task[0], *task[1]]):
        widths = [max(map(len, column)) for column in zip(heading, *lines, strict=True)]
        assert sum(widths) + 2 * (len(widths) - 1) <= 80
