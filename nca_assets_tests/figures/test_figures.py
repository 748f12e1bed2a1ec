"""What the figures show is what the labels say, of our own rollouts alone; and each can be drawn, twice the same."""

import io
import xml.etree.ElementTree as ET

import numpy as np
import polars as pl
import pytest
from PIL import Image

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.figures import comparisons, curves, grids, shares
from nca_assets.figures.catalog import FIGURES, Figure
from nca_assets.figures.chart import CLASS_COLORS, CLASS_LINES, CLASS_MARKERS, share_interval
from nca_assets.figures.examples import MIN_CELLS, MIN_SIDE, TRAITS, example, typical
from nca_assets.labels.names import CLASSES
from nca_assets.loading.splits import split_of
from nca_assets.settings import Resources
from nca_assets.shards.rollouts import rollout_tokens
from nca_assets.warehouse.catalog import TABLES
from nca_assets_tests.conftest import local
from nca_assets_tests.figures.conftest import KEYS


def test_the_ring_has_every_class_and_its_share(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    shown = shares.class_shares(drawn_from)
    counts = dict(ours["behavior"].value_counts().iter_rows())
    assert dict(shown.select("behavior", "rollouts").iter_rows()) == counts
    assert shown["percent"].to_list() == [100 * counts[name] / 48 for name in shown["behavior"]]
    assert shown["rollouts"].is_sorted(descending=True)


def test_the_phase_space_has_a_point_a_rollout(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    shown = comparisons.phase_points(drawn_from)
    expected = ours.select("behavior", pl.col("late_change").alias("volatility"), "tail_entropy")
    assert shown.drop("rollouts").sort(pl.all()).equals(expected.sort(pl.all()))
    assert (shown["rollouts"] == shown.select(pl.len().over("behavior")).to_series()).all()


def test_a_sample_of_the_phase_space_tells_the_size_of_each_class(
    drawn_from: DataFolder, ours: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparisons, "MAX_POINTS", 2)
    shown = comparisons.phase_points(drawn_from)
    for (behavior,), group in shown.group_by("behavior"):
        there = ours.filter(behavior=behavior).height
        assert (len(group), set(group["rollouts"])) == (min(there, 2), {there})


def test_intervals_of_shares_are_wilsons() -> None:
    low, high = share_interval(np.array([10, 90, 0]))
    np.testing.assert_allclose([10 - low[0], 10 + high[0]], [5.52, 17.44], atol=0.01)
    np.testing.assert_allclose([low[2], high[2]], [0, 3.70], atol=0.01)


def test_sizes_are_counted_once_a_block(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    blocks = {(name, index // 32) for name, index in ours.select("set_name", "rollout_index").iter_rows()}
    assert shares.independent_sizes(drawn_from) == len(blocks) < len(ours)


def test_the_scatter_of_curves_is_that_of_the_rollouts(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    scatter = curves.scatter_by_frame(drawn_from)
    assert scatter.keys() == set(ours["behavior"])
    for behavior, group in ((name, ours.filter(behavior=name)) for name in scatter):
        deviation = group["entropy_16"].std()
        assert scatter[behavior]["entropy"][16] == pytest.approx(deviation or float("nan"), abs=2e-4, nan_ok=True)


def test_the_geometry_counts_grids(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    shown = shares.grids(drawn_from)
    counts = ours.group_by("height", "width").len().sort("height", "width")
    assert shown["rollouts"].to_list() == counts["len"].to_list()
    assert shown["cells"].to_list() == (counts["height"].cast(int) * counts["width"]).to_list()


def test_token_frequencies_are_those_of_the_tokens(
    drawn_from: DataFolder, ours: pl.DataFrame, resources: Resources
) -> None:
    from nca_assets.ids import RolloutId

    counts = np.zeros(32)
    for name in ours["rollout_id"]:
        counts += np.bincount(rollout_tokens(RolloutId.parse(name), drawn_from, resources).ravel(), minlength=32)
    shown = shares.token_shares(drawn_from).sort("token")
    assert shown["token"].to_list() == list(range(32))
    np.testing.assert_allclose(shown["percent"].to_numpy(), 100 * counts / counts.sum())


def test_tokens_used_are_counted(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    assert dict(shares.token_counts(drawn_from).iter_rows()) == dict(ours["tokens_used"].value_counts().iter_rows())


def test_curves_are_means_over_rollouts(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    shown = curves.means_by_frame(drawn_from)
    per_rollout = pl.concat([pl.read_parquet(local(drawn_from.curves_file(key))) for key in KEYS])
    per_rollout = per_rollout.join(
        ours.select("set_name", "rollout_index", "behavior"), on=("set_name", "rollout_index")
    )
    for (behavior,), group in shown.group_by("behavior"):
        chosen = per_rollout if behavior == "all" else per_rollout.filter(behavior=behavior)
        cells = chosen["cells"].to_numpy()[:, None]
        assert set(group["rollouts"]) == {len(chosen)}
        for name, stored in (("novelty", "changed"), ("difference", "differing")):
            expected = (np.stack(chosen[stored].to_list()) / cells).mean(axis=0)
            np.testing.assert_allclose(group.sort("frame")[name].to_numpy(), expected, atol=1e-8)
        entropy = np.stack(chosen["entropy"].to_list()).mean(axis=0) / 4096
        np.testing.assert_allclose(group.sort("frame")["entropy"].to_numpy(), entropy, atol=1e-3)
    assert set(shown["behavior"]) == {"all", *ours["behavior"]}


def test_lags_are_means_over_rollouts(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    shown = curves.means_by_lag(drawn_from)
    for behavior, start, lag, rollouts, similarity, error in shown.iter_rows():
        chosen = ours if behavior == "all" else ours.filter(behavior=behavior)
        values = chosen[f"similarity_{start}_{lag}"].drop_nulls()
        assert (rollouts, similarity) == (len(values), pytest.approx(values.mean(), abs=1e-9))
        deviation = values.std()
        assert error == (None if deviation is None else pytest.approx(deviation / rollouts**0.5, abs=1e-9))
    # With 140 frames there are no longer lags.
    assert set(shown.filter(start=100)["lag"]) == {1, 2, 4, 8, 16, 32}


def test_the_card_is_compared_where_it_has_a_number(drawn_from: DataFolder) -> None:
    shown = comparisons.card_statistics(drawn_from)
    assert shown["card"].null_count() == 0
    assert "cells changed, t48 to t112" in shown["statistic"].to_list()
    assert "rollouts" not in shown["statistic"].to_list()


def test_examples_meet_as_many_wishes_as_can_be(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    assert str(example(drawn_from, "true").id) == "set1/000000"
    widest = example(drawn_from, "width >= 8", f"width = {ours['width'].max()}")
    assert widest.labels["width"] == ours["width"].max()
    assert example(drawn_from, f"width = {ours['width'].max()}", "width = 7").id == widest.id
    assert grids.growing(drawn_from).id.set in ("set1", "set2")
    shown = grids.task_example(drawn_from)
    assert split_of(shown.id) == "test"


def test_the_gallery_has_some_of_each_class(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    shown = grids.typical_by_class(drawn_from)
    counts = pl.Series([rollout.labels["behavior"] for rollout in shown]).value_counts()
    there = dict(ours["behavior"].value_counts().iter_rows())
    assert dict(counts.iter_rows()) == {name: min(grids.EACH, count) for name, count in there.items()}
    assert all(r.pixels.shape == (*r.tokens.shape, 3) for r in shown)
    assert [CLASSES.index(r.labels["behavior"]) for r in shown] == sorted(
        CLASSES.index(r.labels["behavior"]) for r in shown
    )


def test_the_typical_rollout_is_the_one_nearest_to_its_class(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    """Of the commonest family of the large grids, or of all if none is large."""
    shown = {one.labels["behavior"]: str(one.id) for one in typical(drawn_from, 1)}
    assert shown.keys() == set(ours["behavior"])
    values = ours.select(pl.col(name).fill_null(0).cast(float) for name in TRAITS).to_numpy()
    for (behavior,), group in ours.with_row_index().group_by("behavior"):
        inside = values[group["index"].to_numpy()]
        off = (np.abs(inside - np.median(inside, axis=0)) / values.std(axis=0)).sum(axis=1)
        ranked = group.with_columns(
            pl.Series("off", off),
            large=(pl.col("height").cast(int) * pl.col("width") >= MIN_CELLS)
            & (pl.min_horizontal("height", "width") >= MIN_SIDE),
            like_it=pl.len().over("family"),
        ).with_columns(turn=pl.struct(pl.col("large").not_(), "off", "rollout_id").rank("ordinal").over("family"))
        first = ranked.sort("large", "turn", "like_it", "off", descending=[True, False, True, False])
        assert shown[str(behavior)] == first["rollout_id"][0]


def test_beats_are_smoothed_and_the_first_frames_are_not() -> None:
    frames = np.arange(500)
    at, values = curves.smoothed(frames, (frames % 4 == 0).astype(float))
    np.testing.assert_array_equal(at[:5], frames[:5])
    np.testing.assert_array_equal(values[:5], [1, 0, 0, 0, 1])
    assert np.abs(values[at > 100] - 0.25).max() < 0.1


def test_the_picture_of_a_rollout_is_its_last_frame_and_a_strip() -> None:
    colors = np.arange(6, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3)
    sheet = grids.framed(np.broadcast_to(colors, (6, 20, 10, 3)).copy())
    assert sheet.shape == (grids.SIDE, grids.SIDE + grids.GAP + grids.STRIP, 3)
    assert (sheet[:, grids.SIDE // 2 : grids.SIDE] == 5).all()
    assert (sheet[:, : grids.SIDE // 2] == 255).all()
    np.testing.assert_array_equal(sheet[:: grids.SIDE // 6, -1, 0], range(6))


@pytest.mark.parametrize(("frames", "expected"), [(500, [0, 16, 499]), (17, [0, 16]), (10, [0, 9])])
def test_chosen_frames_end_with_the_last(frames: int, expected: list[int]) -> None:
    assert grids.spread(frames, (0, 16)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_each_is_drawn_twice_the_same_as_png_and_svg(drawn_from: DataFolder, figure: Figure) -> None:
    picture = figure.make(drawn_from)
    assert figure.file("png", drawn_from).read_bytes() == picture.png
    image = Image.open(io.BytesIO(picture.png)).convert("RGB")
    assert image.width == 2100  # 7 inches at 300 dots
    assert Image.open(io.BytesIO(picture.small)).width == 770
    assert image.getpixel((0, image.height - 1)) == (255, 255, 255)
    assert len(image.getcolors(1 << 24) or []) > 8
    root = ET.fromstring(figure.file("svg", drawn_from).read_bytes())
    assert root.tag.endswith("svg")
    assert figure.make(drawn_from) == picture
    assert len(picture.small) < 100_000


def test_every_table_that_a_figure_names_is_there() -> None:
    assert {table for figure in FIGURES for table in figure.tables} <= {table.name for table in TABLES}
    assert set(CLASS_COLORS) == set(CLASSES)
    assert len(set(CLASS_COLORS.values())) == len(set(CLASS_MARKERS.values())) == len(CLASSES)


def test_lines_in_one_panel_differ_without_their_color() -> None:
    for half in curves.HALVES:
        assert len({CLASS_LINES[name] for name in half}) == len(half)
    assert curves.HALVES[0] + curves.HALVES[1] == tuple(CLASSES)


def test_a_missing_warehouse_is_reported(data: DataFolder) -> None:
    with pytest.raises(NcaError, match=r"nca\.duckdb is missing: materialize the 'analytics' assets"):
        FIGURES[0].make(data)
    assert not (data / "figures").exists()
