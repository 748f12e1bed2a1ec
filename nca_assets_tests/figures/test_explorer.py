"""The explorer's file: what it holds is what the shards and labels say. That it works is tested in a browser."""

import base64
import json
import re
import shutil
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.figures.explorer import CURVE_POINTS, explored, packed, shown_frames, write_explorer
from nca_assets.figures.palette import colors_of, hexadecimal
from nca_assets.ids import ShardKey
from nca_assets.labels.table import read_table, write_table
from nca_assets.loading.source import RolloutSource
from nca_assets_tests.conftest import local


def embedded(file: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.+?)</script>', file.read_text(), re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="module")
def page(drawn_from: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> tuple[RolloutSource, Path]:
    source, file = explored(drawn_from), tmp_path_factory.mktemp("explorer") / "explorer.html"
    steps: list[tuple[int, int]] = []
    written = write_explorer(source, file, lambda done, total: steps.append((done, total)))
    assert steps[-1] == (written.rollouts, written.rollouts) == (49, 49)
    assert written.bytes == file.stat().st_size
    return source, file


@pytest.mark.parametrize(("frames", "first_and_last"), [(500, (0, 499)), (96, (0, 95)), (2, (0, 1))])
def test_a_clip_has_the_start_and_the_end(frames: int, first_and_last: tuple[int, int]) -> None:
    shown = shown_frames(frames)
    assert (shown[0], shown[-1]) == first_and_last
    assert len(shown) == min(frames, 96)
    assert shown == sorted(set(shown))


def test_clips_hold_the_tokens(page: tuple[RolloutSource, Path]) -> None:
    source, file = page
    for rollout, stored in zip(source, embedded(file)["rollouts"], strict=True):
        tokens = np.asarray(rollout.tokens)
        frames, height, width = tokens.shape
        clip = np.frombuffer(zlib.decompress(base64.b64decode(stored["clip"])), np.uint8).reshape(height, width, -1)
        np.testing.assert_array_equal(clip.transpose(2, 0, 1), tokens[shown_frames(frames)])


def test_tokens_of_imported_sets_begin_anew_above_31() -> None:
    clip = zlib.decompress(base64.b64decode(packed(np.full((2, 2, 2), 35, dtype=np.uint8))))
    assert clip == bytes([3] * 8)


def test_even_noise_takes_little_more_than_five_bits_a_token() -> None:
    noise = np.random.default_rng(0).integers(0, 32, (500, 48, 48), dtype=np.uint8)
    tokens_shown = len(shown_frames(500)) * 48 * 48
    assert len(packed(noise)) < 1.1 * tokens_shown * 5 / 6  # a character of Base64 holds six bits


def test_labels_are_those_of_the_table(page: tuple[RolloutSource, Path]) -> None:
    source, file = page
    data = embedded(file)
    names = [column["name"] for column in data["columns"]]
    assert all(column["description"] for column in data["columns"])
    for row, stored in zip(source.table.iter_rows(named=True), data["rollouts"], strict=True):
        for name, value in zip(names, stored["labels"], strict=True):
            if isinstance(row[name], float):
                assert value == pytest.approx(row[name], rel=1e-3)
            else:
                assert value == row[name]


def test_curves_are_those_of_the_parts(page: tuple[RolloutSource, Path], drawn_from: DataFolder) -> None:
    _, file = page
    first = embedded(file)["rollouts"][0]
    imported = pl.read_parquet(local(drawn_from.curves_file(ShardKey("life", 0)))).row(0, named=True)
    entropy, changed, differing = first["curves"]
    assert len(entropy) == len(changed) == len(differing) == CURVE_POINTS
    assert entropy[-1] == round(imported["entropy"][-1] * 100 / 4096)
    assert changed[-1] == round(1000 * imported["changed"][-1] / imported["cells"])
    assert differing[0] == 0


def test_it_is_the_same_file_each_time_and_asks_nothing_of_the_network(
    page: tuple[RolloutSource, Path], tmp_path: Path
) -> None:
    source, file = page
    write_explorer(source, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == file.read_bytes()
    assert "default-src 'none'" in file.read_text()
    assert not re.search(r"https?://", file.read_text())


def test_each_class_is_there_before_the_rest_is_shared_out(drawn_from: DataFolder, ours: pl.DataFrame) -> None:
    classes = ours["behavior"].n_unique()
    few = explored(drawn_from, "recipe_version IS NOT NULL", most=classes)
    assert few.table["behavior"].n_unique() == classes
    counts = dict(few.table["behavior"].value_counts().iter_rows())
    assert set(counts.values()) == {1}


def test_each_set_has_the_colors_of_its_tokens(page: tuple[RolloutSource, Path], drawn_from: DataFolder) -> None:
    _, file = page
    expected = {name: hexadecimal(colors_of(name, drawn_from)) for name in ("life", "set1", "set2")}
    assert embedded(file)["colors"] == expected
    assert expected["life"] != expected["set1"] == expected["set2"]


def test_nothing_in_the_data_ends_the_script(drawn_from: DataFolder, tmp_path: Path) -> None:
    source = explored(drawn_from, "height > 8", most=2)
    evil = source.table.with_columns(family=pl.lit("</script><script>alert(1)</script>"))
    write_explorer(RolloutSource(evil, source.reader, drawn_from), tmp_path / "evil.html")
    assert "alert(1)</script>" not in (tmp_path / "evil.html").read_text()
    assert embedded(tmp_path / "evil.html")["rollouts"][0]["labels"][8] == "</script><script>alert(1)</script>"


def test_missing_and_damaged_files_are_named(drawn_from: DataFolder, tmp_path: Path) -> None:
    own = replace(drawn_from, root=shutil.copytree(local(drawn_from.root), tmp_path / "data"))
    curves = own.curves_file(ShardKey("set1", 8))
    source = explored(own)
    content = curves.read_bytes()
    curves.unlink()
    with pytest.raises(NcaError, match=r"shard=00008\.parquet is missing: .* set1-00008 of behavior_labels again"):
        write_explorer(source, tmp_path / "out.html")
    local(curves).write_bytes(content)
    write_table(read_table(curves, own, "")[0].head(3), curves, own)
    with pytest.raises(NcaError, match=r"shard=00008\.parquet lacks the curves of some labeled rollouts: materialize"):
        write_explorer(source, tmp_path / "out.html")
    local(curves).write_bytes(content)
    local(own.tokens_file(ShardKey("set1", 8))).write_bytes(b"")
    with pytest.raises(NcaError, match=r"shard_00008\.npz is damaged"):
        write_explorer(source, tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()
    with pytest.raises(NcaError, match="DuckDB: Binder Error"):
        explored(own, "heigth > 3")
