"""The verification of shards, labels, collections and the published folder."""

from pathlib import Path

import numpy as np

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.publishing.checksums import sums_of, write_sums
from nca_assets.settings import Resources
from nca_assets.shards.imported import register, shard_keys
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.collections import freeze
from nca_assets_tests.cli.command import Capture, nca
from nca_assets_tests.conftest import local
from nca_assets_tests.labels import movies
from nca_assets_tests.shards.test_verify import forge


def test_verify_holds_every_shard_against_its_recipe(
    labelled: DataFolder, resources: Resources, capsys: Capture
) -> None:
    assert nca("verify") == 0
    assert capsys.readouterr().out.splitlines() == [
        "set1-00000: 4 rollouts simulated again, identical bytes",
        "set2-00001: 4 rollouts simulated again, identical bytes",
        "intact: 2 shards with labels, 1 other file",
    ]
    forge(labelled, ShardKey("set2", 1), member=2)
    write_labels(ShardKey("set2", 1), labelled, resources)
    assert nca("verify", "set2-00001", "--rollouts", "1") == 0
    assert nca("verify", "--all") == 1
    captured = capsys.readouterr()
    assert "set1-00000: 4 rollouts simulated again" in captured.out
    lines = captured.err.splitlines()
    assert lines[0].startswith("set2-00001: set2/000006 does not reproduce")
    assert lines[1] == (
        "nca: 1 of 2 shards could not be verified: remake them with 'nca backfill --missing --stale' or "
        "'nca materialize set2-00001'"
    )


def test_verify_names_damaged_labels_and_collections(labelled: DataFolder, capsys: Capture) -> None:
    build_warehouse(labelled)
    frozen = freeze("c", "SELECT rollout_id FROM labels", labelled)
    files = [labelled.curves_file(ShardKey("set2", 1)), frozen.file]
    for file in files:
        local(file).write_bytes(file.read_bytes()[:-1] + b"!")
    labelled.warehouse_file().unlink()
    assert nca("verify") == 1
    captured = capsys.readouterr()
    assert captured.out.count("simulated again, identical bytes") == 2
    for file, line in zip(files, captured.err.splitlines(), strict=False):
        assert f"{file} is damaged (it does not match its seal): " in line
    assert captured.err.splitlines()[2].startswith("nca: 1 of 2 shards could not be verified: ")


def test_verify_offers_no_recipe_for_imported_shards(data: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "life").mkdir()
    np.savez(tmp_path / "life" / "a.npz", allow_pickle=False, movie=movies.cycle(2))
    for key, file in shard_keys(tmp_path / "life", "life", data).items():
        register(key, file, data)
    (tmp_path / "life" / "a.npz").write_bytes(b"changed")
    assert nca("verify") == 1
    finding, last = capsys.readouterr().err.splitlines()
    assert finding.startswith("life-00000: ")
    assert last == "nca: 1 of 1 shard could not be verified"


def test_verify_without_shards_says_so(data: DataFolder, capsys: Capture) -> None:
    assert nca("verify") == 1
    assert f"{data} has no shards to verify" in capsys.readouterr().err


def test_verify_reads_the_published_folder_too(built: DataFolder, capsys: Capture) -> None:
    """A folder where a published file should be was a traceback."""
    folder = local(built.published_folder)
    folder.mkdir()
    (folder / "a").write_text("content")
    write_sums(sums_of(folder), folder)
    assert nca("verify") == 0
    assert "intact: 2 shards with labels, 4 other files" in capsys.readouterr().out
    (folder / "a").unlink()
    (folder / "a").mkdir()
    assert nca("verify") == 1
    assert f"{folder}: a has changed: run 'nca publish' again" in capsys.readouterr().err
