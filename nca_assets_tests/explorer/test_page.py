"""The explorer's file: what it knows is what the labels and sets say. That it works is tested in a browser."""

import base64
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from nca_assets.automaton.fixed_point import STATE_ONE
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.explorer.content import CLIP_FRAMES, clip
from nca_assets.explorer.page import ENGINE, FOLDER, SCRIPTS, write_explorer
from nca_assets.explorer.selection import explored
from nca_assets.figures.palette import colors_of, hexadecimal
from nca_assets.ids import is_own
from nca_assets.loading.source import RolloutSource
from nca_assets.vocabulary.centroids import load_centroids
from nca_assets.warehouse.collections import read_collection
from nca_assets.warehouse.illumination import GRID
from nca_assets_tests.conftest import local


def embedded(file: Path, name: str) -> bytes:
    found = re.search(rf'<script type="text/plain" id="{name}">(.+?)</script>', file.read_text())
    assert found
    return base64.b64decode(found[1])


def content_of(file: Path) -> dict[str, Any]:
    return json.loads(zlib.decompress(embedded(file, "content")))


@pytest.fixture(scope="module")
def page(data: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> tuple[RolloutSource, Path]:
    source, file = explored(data), tmp_path_factory.mktemp("explorer") / "explorer.html"
    written = write_explorer(source, file)
    assert written.rollouts == 17
    assert written.bytes == file.stat().st_size
    return source, file


def test_labels_are_those_of_the_table(page: tuple[RolloutSource, Path]) -> None:
    source, file = page
    columns = {column["name"]: column["values"] for column in content_of(file)["columns"]}
    assert all(column["meaning"] for column in content_of(file)["columns"])
    rows = source.table.rows_by_key("rollout_id", named=True, unique=True)
    assert sorted(columns["rollout_id"]) == sorted(rows)
    for name, values in columns.items():
        for rollout, value in zip(columns["rollout_id"], values, strict=True):
            expected = rollout if name == "rollout_id" else rows[rollout][name]
            assert value == (pytest.approx(expected, rel=1e-5) if isinstance(expected, float) else expected)


def test_sets_are_described_as_the_engine_reads_them(page: tuple[RolloutSource, Path], data: DataFolder) -> None:
    content = content_of(page[1])
    assert content["sets"].keys() == data.sets.keys()
    for name, recipe in content["sets"].items():
        population = data.sets[name].population
        shares = zip(content["families"], recipe["shares"], strict=True)
        assert tuple((family, share) for family, share in shares if share) == population.families
        assert (recipe["seed"], recipe["smallest"], recipe["largest"], recipe["frames"]) == (
            population.seed, population.smallest_side, population.largest_side, data.sets[name].frames
        )  # fmt: skip
    centroids = np.array(content["centroids"]).reshape(32, 16) / STATE_ONE
    np.testing.assert_array_equal(centroids, load_centroids(data).numpy())
    assert embedded(page[1], "engine") == ENGINE.read_bytes()


def test_collections_are_rows_of_the_page(page: tuple[RolloutSource, Path], data: DataFolder) -> None:
    content = content_of(page[1])
    names = next(column["values"] for column in content["columns"] if column["name"] == "rollout_id")
    there = {name: {names[row] for row in rows} for name, rows in content["collections"].items()}
    assert there == {name: set(read_collection(name, data).rollouts) for name in ("few", "varied")}
    assert content["grid"]["damage"] == list(GRID["damage"])


def test_only_imported_rollouts_bring_frames(page: tuple[RolloutSource, Path]) -> None:
    source, file = page
    clips = content_of(file)["clips"]
    imported = [rollout for rollout in source if not is_own(rollout.id.set)]
    assert clips.keys() == {str(rollout.id) for rollout in imported}
    for rollout in imported:
        tokens = np.asarray(rollout.tokens)
        stored = np.frombuffer(base64.b64decode(clips[str(rollout.id)]), np.uint8).reshape(-1, *tokens.shape[1:])
        np.testing.assert_array_equal(stored, tokens[:CLIP_FRAMES])


def test_tokens_of_imported_sets_begin_anew_above_31() -> None:
    assert base64.b64decode(clip(np.full((2, 2, 2), 35, dtype=np.uint8))) == bytes([3] * 8)


def test_it_is_the_same_file_each_time_and_asks_nothing_of_the_network(
    page: tuple[RolloutSource, Path], tmp_path: Path
) -> None:
    source, file = page
    write_explorer(source, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == file.read_bytes()
    assert "default-src 'none'" in file.read_text()
    assert not re.search(r"https?://", file.read_text())
    assert "{{" not in file.read_text()


def test_every_script_is_in_the_page() -> None:
    assert {f"{name}.js" for name in SCRIPTS} == {file.name for file in (FOLDER / "parts").glob("*.js")}


def test_each_class_is_there_before_the_rest_is_drawn(data: DataFolder) -> None:
    labels = explored(data).table
    few = explored(data, most=labels["behavior"].n_unique()).table
    assert few["behavior"].is_unique().all()
    assert set(few["behavior"]) == set(labels["behavior"])


def test_it_opens_on_the_most_structured_of_each_class(page: tuple[RolloutSource, Path]) -> None:
    columns = {column["name"]: column["values"] for column in content_of(page[1])["columns"]}
    shown = pl.DataFrame({name: columns[name] for name in ("behavior", "height", "width")})
    shown = shown.with_columns(
        large=pl.min_horizontal("height", "width") >= 16,
        structure=pl.Series(columns["tail_entropy"])
        * pl.Series(columns["domains"])
        * pl.Series(columns["traveling"]).clip(0.05),
    )
    turns = shown["behavior"].n_unique()
    assert shown["behavior"][:turns].is_unique().all()
    assert shown["structure"][:turns].is_sorted(descending=True)
    for _, of_class in shown.group_by("behavior"):
        large, small = of_class.filter("large"), of_class.filter(~pl.col("large"))
        assert of_class["large"].to_list() == [True] * len(large) + [False] * len(small)
        assert large["structure"].is_sorted(descending=True)
        assert small["structure"].is_sorted(descending=True)


def test_each_set_has_the_colors_of_its_tokens(page: tuple[RolloutSource, Path], data: DataFolder) -> None:
    expected = {name: hexadecimal(colors_of(name, data)) for name in ("life", "set1", "set2")}
    assert content_of(page[1])["colors"] == expected
    assert expected["life"] != expected["set1"] == expected["set2"]


def test_an_imported_set_alone_needs_no_vocabulary(data: DataFolder, tmp_path: Path) -> None:
    source = explored(data, "set_name = 'life'")
    elsewhere = RolloutSource(source.table, source.reader, replace(data, root=tmp_path))
    with pytest.raises(NcaError, match="life"):  # its shard is looked for: the vocabulary was not
        write_explorer(elsewhere, tmp_path / "out.html")
    write_explorer(source, tmp_path / "out.html")
    assert content_of(tmp_path / "out.html")["sets"] == {}


def test_nothing_in_the_data_ends_the_script(data: DataFolder, tmp_path: Path) -> None:
    source = explored(data, most=2)
    evil = source.table.with_columns(family=pl.lit("</script><script>alert(1)</script>"))
    write_explorer(RolloutSource(evil, source.reader, data), tmp_path / "evil.html")
    assert "alert(1)" not in (tmp_path / "evil.html").read_text()
    columns = {column["name"]: column["values"] for column in content_of(tmp_path / "evil.html")["columns"]}
    assert set(columns["family"]) == {"</script><script>alert(1)</script>"}


def test_missing_and_damaged_files_are_named(data: DataFolder, tmp_path: Path) -> None:
    source = explored(data)
    file = local(data.root) / "centroids.pt"
    content = file.read_bytes()
    try:
        file.write_bytes(b"")
        with pytest.raises(NcaError, match=r"centroids\.pt"):
            write_explorer(source, tmp_path / "out.html")
    finally:
        file.write_bytes(content)
    assert not (tmp_path / "out.html").exists()
    with pytest.raises(NcaError, match="DuckDB: Binder Error"):
        explored(data, "heigth > 3")
