"""Rollouts made, pictured and generated again, whether they are stored or not."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.shards.manifest import read_manifest, rollout_digest
from nca_assets_tests.cli.command import Capture, nca
from nca_assets_tests.conftest import local


@pytest.mark.parametrize("form", ["gif", "png"])
@pytest.mark.parametrize("rollout", ["set1/000001", "set1/000002", "set2/000000", "set3/123456"])
def test_gif_of_a_stored_or_a_simulated_rollout(
    built: DataFolder, tmp_path: Path, capsys: Capture, rollout: str, form: str
) -> None:
    """From a stored shard, a deleted one, and shards that were never made."""
    if rollout == "set1/000002":
        local(built.tokens_file(ShardKey("set1", 0))).unlink()
    out = tmp_path / f"picture.{form}"
    assert nca("gif", rollout, "--out", str(out), "--scale", "2", "--gray") == 0
    if form == "gif":
        with Image.open(out) as image:
            # Equal frames in a row are one frame of the file, shown longer.
            lasts = sum(frame.info["duration"] for frame in ImageSequence.Iterator(image))
        assert lasts == 40 * built.sets["set1"].frames
    captured = capsys.readouterr()
    assert f"{rollout}, {built.sets['set1'].frames} frames" in captured.out
    said = "" if rollout == "set1/000001" else f"{rollout} is not stored: simulated from its recipe\n"
    assert captured.err == said


def test_gif_of_some_frames(built: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    assert built
    assert nca("gif", "set1/000001", "--out", str(tmp_path / "a.gif"), "--scale", "1", "--frames", "7") == 0
    assert "set1/000001, 7 frames of 8x8 cells" in capsys.readouterr().out


def test_gifs_of_a_querys_answer_and_of_a_random_rollout(built: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    query = "SELECT rollout_id FROM labels ORDER BY rollout_id"
    assert nca("gif", query, "--most", "3", "--out", str(tmp_path), "--scale", "1") == 0
    assert sorted(file.name for file in tmp_path.glob("*.gif")) == [f"set1_00000{index}.gif" for index in range(3)]
    assert nca("gif", "--out", str(tmp_path / "any.gif"), "--scale", "1") == 0
    assert (tmp_path / "any.gif").stat().st_size > 0
    assert capsys.readouterr().out.count(f"{built.sets['set1'].frames} frames") == 4
    assert nca("gif", "SELECT NULL AS rollout_id") == 1
    assert "unknown rollout 'None'" in capsys.readouterr().err
    assert nca("gif", "SELECT 1 AS one") == 1
    assert "returns no rollout: it needs a column rollout_id" in capsys.readouterr().err


def test_a_rollout_as_video_and_as_a_sheet(built: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    assert built
    assert nca("gif", "set1/000001", "--out", str(tmp_path / "a.mp4")) == 0
    assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"
    assert nca("gif", "set1/000001", "--out", str(tmp_path), "--form", "png") == 0
    assert (tmp_path / "set1_000001.png").read_bytes().startswith(b"\x89PNG")
    assert nca("gif", "set1/000001", "--out", str(tmp_path / "a.bmp")) == 1
    assert "unsupported format 'bmp': use one of gif, mp4, png" in capsys.readouterr().err


def test_gif_of_an_unknown_rollout(built: DataFolder, capsys: Capture) -> None:
    assert built
    assert nca("gif", "set7/000001") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_shard_is_generated_without_dagster(labelled: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    there = tmp_path / "local"
    there.mkdir()
    shutil.copy(local(labelled / "centroids.pt"), there)
    assert nca("generate", "set1-00000", "--to", str(there)) == 0
    assert f"{there}/nca_dataset/shard_00000.npz: 4 rollouts" in capsys.readouterr().out
    key = ShardKey("set1", 0)
    assert DataFolder.open(there).tokens_file(key).read_bytes() == labelled.tokens_file(key).read_bytes()
    assert nca("generate", "set1-00000", "--to", str(labelled)) == 1
    assert "managed by Dagster: use 'nca materialize'" in capsys.readouterr().err


def test_regenerate_says_the_digest_and_writes_the_tokens(
    labelled: DataFolder, tmp_path: Path, capsys: Capture
) -> None:
    manifest = read_manifest(ShardKey("set1", 0), labelled)
    member = manifest.members[3]
    target = tmp_path / "rollout.npy"
    assert nca("regenerate", "set1/000003", "--to", str(target)) == 0
    line = f"{target}: set1/000003, {labelled.sets['set1'].frames} frames of {member.height}x{member.width} cells"
    assert capsys.readouterr().out == f"{line}, digest {member.digest}\n"
    assert rollout_digest(np.load(target, allow_pickle=False)) == member.digest
    assert nca("regenerate", "set1/000003") == 0
    assert capsys.readouterr().out.startswith("set1/000003, ")


@pytest.mark.parametrize("to", ["", "{}"])
def test_regenerate_says_where_it_can_not_write(
    labelled: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, to: str
) -> None:
    assert labelled
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    assert nca("regenerate", "set1/000003", "--to", to.format(tmp_path)) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("nca: can't write ")
    assert set(tmp_path.rglob("*")) == before


def test_regenerate_needs_a_vocabulary(data: DataFolder, capsys: Capture) -> None:
    assert data
    assert nca("regenerate", "set1/000003") == 1
    assert "centroids.pt is missing" in capsys.readouterr().err
