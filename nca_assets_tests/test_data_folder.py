"""A data folder describes itself: once, for good, and whatever settings say later."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nca_assets.data_folder import DataFolder
from nca_assets.description import RolloutSet, Shape, card_sets, read_description, replace_description
from nca_assets.errors import DamageError, NcaError
from nca_assets.labels.export import export_csv
from nca_assets.project import Project
from nca_assets.settings import Resources
from nca_assets.shards.write import write_shard
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.stale import assess
from nca_assets_tests.conftest import KEYS_OF_LABELLED, local

SMALL = Shape(shard_size=4, sets=card_sets(140))

BEGIN = """
import sys
from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
sys.stdin.read(1)
print(DataFolder.create(sys.argv[1], Shape(shard_size=4, sets=card_sets(140))).id)
"""


def test_a_new_dataset_says_what_it_is(tmp_path: Path) -> None:
    data = DataFolder.create(tmp_path / "data", SMALL)
    said = json.loads((tmp_path / "data" / "dataset.json").read_text())
    assert (said["format"], said["id"], said["shard_size"]) == (1, data.id, 4)
    assert list(said["sets"]) == ["set1", "set2", "set3"]
    assert said["sets"]["set2"] | {"families": {}} == {
        "seed": 2, "folder": "nca_dataset_set2", "frames": 140, "smallest_side": 8, "largest_side": 48, "families": {},
    }  # fmt: skip
    assert sum(said["sets"]["set2"]["families"].values()) == 512
    assert DataFolder.open(tmp_path / "data") == data == DataFolder.create(tmp_path / "data", SMALL)


def test_where_nothing_is_there_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(NcaError, match=r"holds no dataset: name a folder with a dataset\.json, or make one"):
        DataFolder.open(tmp_path)
    assert DataFolder.plan(tmp_path, SMALL).id is None
    assert list(tmp_path.iterdir()) == []


def test_a_description_with_a_changed_bit_is_damage(data: DataFolder) -> None:
    file = local(data / "dataset.json")
    sealed = file.read_text()
    file.write_text(sealed.replace('"frames": 140', '"frames": 141', 1))
    with pytest.raises(DamageError, match=r"dataset\.json is damaged .* restore it from a backup, or remove it"):
        DataFolder.open(data.root)
    file.write_text(sealed)
    assert DataFolder.open(data.root) == data


@pytest.mark.parametrize("entry", ["format", "recipe_version"])
def test_the_description_of_a_newer_release_is_refused(data: DataFolder, entry: str) -> None:
    description = read_description(data.root)
    assert description
    replace_description(description.model_copy(update={entry: 99}), data.root)
    with pytest.raises(
        NcaError, match=rf"has {entry.replace('_', ' ')} 99, this release reads \d: install a newer one"
    ):
        DataFolder.open(data.root)


def test_of_several_processes_that_begin_a_dataset_one_names_it(tmp_path: Path) -> None:
    code = [sys.executable, "-c", BEGIN, str(tmp_path / "data")]
    writers = [subprocess.Popen(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {writer.communicate("go")[0] for writer in writers}
    assert all(writer.returncode == 0 for writer in writers)
    assert said == {f"{DataFolder.open(tmp_path / 'data').id}\n"}


@pytest.mark.parametrize("step", ["link", "fsync"])
def test_a_process_that_dies_while_it_begins_a_dataset_leaves_nothing_for_long(tmp_path: Path, step: str) -> None:
    """Between the final name and the removal of the temporary one, too."""
    dying = f"""
import os
done = os.{step}
os.{step} = lambda *given, **options: (done(*given, **options), os._exit(9))
{BEGIN}"""
    died = subprocess.run([sys.executable, "-c", dying, str(tmp_path / "data")], stdin=subprocess.DEVNULL, check=False)
    assert died.returncode == 9
    DataFolder.create(tmp_path / "data", SMALL)
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["dataset.json"]


def test_opening_a_dataset_leaves_what_others_are_writing(data: DataFolder) -> None:
    """Such as a warehouse, whose builder has no lock on its file."""
    building = local(data / ".nca.duckdb.0123456789ab.part")
    building.touch()
    DataFolder.create(data.root, SMALL)
    assert building.exists()


def test_another_shape_is_refused_and_changes_nothing(data: DataFolder) -> None:
    before = (data / "dataset.json").read_bytes()
    for shape, message in (
        (Shape(shard_size=5, sets=card_sets(140)), "has shards of 4 rollouts, not of 5 as requested"),
        (Shape(shard_size=4, sets=card_sets(200)), "has set1's frames 140, not 200 as requested"),
    ):
        with pytest.raises(NcaError, match=message):
            DataFolder.create(data.root, shape)
    assert (data / "dataset.json").read_bytes() == before


def test_a_set_can_be_added_later(data: DataFolder) -> None:
    more = {**card_sets(140), "set4": RolloutSet(seed=4, folder="mine", frames=200, families={"gliders": 1})}
    grown = DataFolder.create(data.root, Shape(shard_size=4, sets=more))
    assert (grown.id, list(grown.sets)) == (data.id, ["set1", "set2", "set3", "set4"])
    assert grown.sets["set4"].population.families == (("gliders", 1),)
    assert DataFolder.create(data.root, SMALL) == grown


def test_a_folder_from_before_there_were_descriptions_opens(
    data: DataFolder, resources: Resources, centroids: torch.Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    write_shard(KEYS_OF_LABELLED[0], centroids, data, resources)
    (data / "dataset.json").unlink()
    opened = DataFolder.open(data.root)
    assert (opened.shard_size, opened.sets["set1"].frames, opened.shards()) == (4, 140, [KEYS_OF_LABELLED[0]])
    assert [message.partition(" was written")[0] for message in caplog.messages] == [str(data / "dataset.json")]
    assert DataFolder.open(data.root).id == opened.id


def test_a_dataset_that_was_moved_is_the_same(data: DataFolder, tmp_path: Path) -> None:
    local(data.root).rename(tmp_path / "moved")
    assert DataFolder.open(tmp_path / "moved") == dataclasses.replace(data, root=tmp_path / "moved")


@pytest.mark.parametrize("name", [b"a[b]c", b"[red]x", b"q?x", b"*", b"e\nf", b"caf\xe9", b"\x7f"])
def test_a_path_that_is_a_pattern_or_no_text_is_refused_in_one_line(
    tmp_path: Path, name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was a traceback once labels were read."""
    root = tmp_path / os.fsdecode(name)
    monkeypatch.setenv("NCA_DATA", str(root))
    for ask in (
        lambda: DataFolder.open(root), lambda: DataFolder.plan(root, SMALL), lambda: DataFolder.create(root, SMALL),
        lambda: Project.load().writable_data(),
    ):  # fmt: skip
        with pytest.raises(NcaError, match=r"of a dataset has the character .*: move it to a path without") as caught:
            ask()
        assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["set=9/x", "shard=00005/set=zz", "a b'c\"d", "{x}%s$HOME", "ü:bomb:#;&"])
def test_a_path_may_have_any_other_name(built: DataFolder, tmp_path: Path, name: str) -> None:
    before = whole_table("FROM labels ORDER BY ALL", built).rows()
    moved = local(built.root).rename(tmp_path / "moved")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    data = DataFolder.open(moved.rename(tmp_path / name))
    build_warehouse(data)
    assert whole_table("FROM labels ORDER BY ALL", data).rows() == before
    assert sum(export_csv(data).values()) == 8
    assert assess(data, {}).stale == []
