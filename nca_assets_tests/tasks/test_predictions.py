"""Files of predictions: scored as the model itself is, small, and refused with one line if anything is wrong."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.settings import Resources
from nca_assets.tasks import leaderboard
from nca_assets.tasks.baselines import own_unigram
from nca_assets.tasks.leaderboard import rank_predictions, score_baselines
from nca_assets.tasks.long_horizon import evaluate, test_split
from nca_assets.tasks.predictions import metadata_of, score_predictions, write_predictions
from nca_assets.tasks.scores import SCORES
from nca_assets_tests.tasks.test_floor import Shown

test_split.__test__ = False  # type: ignore[attr-defined]


def mixed(context: np.ndarray) -> np.ndarray:
    copied = context[:, -1:] == np.arange(TOKENS)[:, None, None]
    return 0.3 * copied + 0.7 * own_unigram(context)


@pytest.fixture
def file(scored: DataFolder, tmp_path: Path) -> Path:
    write_predictions(mixed, scored, tmp_path / "mixed.parquet", model="mixed")
    return tmp_path / "mixed.parquet"


def test_a_file_scores_as_its_model_does(scored: DataFolder, file: Path) -> None:
    of_file, of_model = score_predictions(file, scored), evaluate(mixed, test_split(scored)).rows
    assert of_file["rollout_id"].to_list() == of_model["rollout_id"].to_list()
    assert of_file["model"].unique().to_list() == ["mixed"]
    np.testing.assert_allclose(of_file.select(SCORES).to_numpy(), of_model.select(SCORES).to_numpy(), atol=2e-4)


def test_a_file_is_small_and_the_same_each_time(scored: DataFolder, file: Path) -> None:
    cells = int(test_split(scored).table.select(pl.col("height").cast(int) * pl.col("width").cast(int)).sum().item())
    assert file.stat().st_size < TOKENS * cells * 2 / 4 + 10_000
    before = file.read_bytes()
    write_predictions(mixed, scored, file, model="mixed")
    assert file.read_bytes() == before


def rewritten(file: Path, change: Callable[[pl.DataFrame], pl.DataFrame], **metadata: str) -> None:
    kept = {name: text for name, text in pl.read_parquet_metadata(file).items() if name != "ARROW:schema"}
    change(pl.read_parquet(file)).write_parquet(file, metadata=kept | metadata)


def first_surprisal(change: Callable[[list[int]], list]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Changes the surprisal of the first rollout."""

    def changed(table: pl.DataFrame) -> pl.DataFrame:
        first, *others = table["surprisal"].to_list()
        return table.with_columns(surprisal=pl.Series([change(first), *others], dtype=table.schema["surprisal"]))

    return changed


as_floats = pl.col("surprisal").cast(pl.List(pl.Float64))

WRONG: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "NaN": (
        lambda t: t.with_columns(as_floats * float("nan")),
        r"column surprisal is List\(Float64\), not List\(UInt16\)",
    ),
    "a value missing": (first_surprisal(lambda s: [None, *s[1:]]), "is not for its grid"),
    "too few values": (first_surprisal(lambda s: s[1:]), "values instead of 32 x"),
    "not normalized": (first_surprisal(lambda s: [0, *s[1:]]), r"add up to 1 ± .*: normalize over the tokens"),
    "nothing": (first_surprisal(lambda s: [65_535] * len(s)), "add up to 1 ± 1: normalize"),
    "another grid": (lambda t: t.with_columns(height=pl.col("width"), width=pl.col("height") + 1), "not for its grid"),
    "other tokens": (lambda t: t.with_columns(digest=pl.lit("0" * 64)), "rollouts have other tokens here, like set1/"),
    "a rollout less": (lambda t: t[1:], r"lacks test rollouts: 1 \(\d+ are needed\), like set1/"),
    "a rollout twice": (lambda t: pl.concat([t, t[:1]]), "has a rollout more than once"),
    "one of training": (
        lambda t: pl.concat([t, t[:1].with_columns(rollout_id=pl.lit("set1/999999"))]),
        "has other rollouts than the test split's: 1 .* like set1/999999",
    ),
    "no column": (lambda t: t.drop("digest"), "column digest is missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_in_one_line(scored: DataFolder, file: Path, name: str) -> None:
    change, message = WRONG[name]
    rewritten(file, change)
    with pytest.raises(NcaError, match=message) as refused:
        score_predictions(file, scored)
    assert "\n" not in str(refused.value)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize("name", ["format", "split", "horizon", "recipe_version", "vocabulary"])
def test_predictions_for_anything_else_are_refused(scored: DataFolder, file: Path, name: str) -> None:
    rewritten(file, lambda table: table, **{name: "another"})
    with pytest.raises(
        NcaError, match=f"{name} is 'another', this dataset has '{metadata_of(scored)[name]}': write it"
    ):
        score_predictions(file, scored)


def test_what_is_no_parquet_file_is_refused(scored: DataFolder, tmp_path: Path) -> None:
    (tmp_path / "pickled").write_bytes(b"\x80\x04K\x01.")
    for name, message in (("pickled", "is not a Parquet file"), ("absent", r"can't be read \(No such file")):
        with pytest.raises(NcaError, match=message):
            score_predictions(tmp_path / name, scored)


@pytest.mark.parametrize(
    ("predict", "message"),
    [
        (lambda context: mixed(context) * np.nan, "predictions are negative or not finite"),
        (lambda context: mixed(context) * 2, "add up to 1 ± 1"),
        (lambda context: mixed(context)[:, 1:], r"predictions are float64 \(\d+, 31"),
    ],
)
def test_no_file_is_written_from_what_are_no_probabilities(
    scored: DataFolder, tmp_path: Path, predict: Callable, message: str
) -> None:
    with pytest.raises(NcaError, match=message):
        write_predictions(predict, scored, tmp_path / "wrong.parquet", model="wrong")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_files_are_ranked_among_the_baselines(
    scored: DataFolder, resources: Resources, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboard, "NETWORKS", {})
    monkeypatch.setattr(leaderboard, "COUNTED", {})
    score_baselines(scored, resources, Shown())
    boards, alone = rank_predictions([file, file], scored)
    assert not alone
    task = boards.filter(board="all", horizon=64)
    assert task.filter(model="mixed").select("seeds", "rollouts").row(0) == (2, len(test_split(scored)))
    assert {"floor", "uniform", "mixed"} <= set(task["model"])
    assert set(boards["board"]) == {"all", "behavior", "difficulty", "size"}


def test_without_baselines_a_file_is_ranked_alone(
    scored: DataFolder, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboard, "read_scores", lambda data: leaderboard.read_table(data.root / "none", data, ""))  # type: ignore[attr-defined]
    boards, alone = rank_predictions([file], scored)
    assert alone
    assert boards.filter(board="all")["model"].to_list() == ["mixed"]
