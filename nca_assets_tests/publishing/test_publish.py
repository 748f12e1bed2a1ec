"""The published folder: all of it or nothing, the same bytes each time, and what it holds is what there is."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import torch

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError, TransientError
from nca_assets.figures.catalog import FIGURES
from nca_assets.figures.palette import colors_of
from nca_assets.ids import ShardKey
from nca_assets.labels.export import export_csv
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.labels.table import read_table, write_table
from nca_assets.labels.write import write_labels
from nca_assets.loading.source import RolloutSource
from nca_assets.publishing import publish as publishing
from nca_assets.publishing.checksums import check_published
from nca_assets.publishing.layout import published_shards
from nca_assets.publishing.publish import Published, publish
from nca_assets.settings import Resources
from nca_assets.shards.kinds import drop_tokens
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids, save_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.collections import freeze, read_collection
from nca_assets_tests.conftest import local
from nca_assets_tests.publishing.conftest import KEYS

pytestmark = pytest.mark.slow


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_the_folder_has_everything_in_its_place(published: Published) -> None:
    assert names(local(published.folder)) == {
        "README.md", "SHA256SUMS", "croissant.json", "centroids.pt", "centroids.json",
        "collections/varied/set1.parquet", *(f"preview/{name}.parquet" for name in ("set1", "set3")),
        *(f"labels/{name}.parquet" for name in ("set1", "set3")),
        *(f"tokens/{key}.parquet" for key in KEYS),
        *(f"figures/{figure.name}.png" for figure in FIGURES),
    }  # fmt: skip
    assert published.files == len(names(local(published.folder)))


def test_the_originals_layout_is_added_on_request(
    published: Published, with_original: Published, to_publish: DataFolder
) -> None:
    folder = local(with_original.folder)
    assert names(folder) - names(local(published.folder)) == {
        "dataset_labels_set.csv", "dataset_labels_set3.csv",
        *(f"nca_dataset{'_set3' if key.set == 'set3' else ''}/shard_{key.number:05d}.{form}"
          for key in KEYS for form in ("npz", "json")),
    }  # fmt: skip
    for file in (*map(to_publish.tokens_file, KEYS), *map(to_publish.manifest_file, KEYS)):
        assert (folder / local(file).relative_to(local(to_publish.root))).read_bytes() == file.read_bytes()
    assert check_published(folder) == []
    assert "`nca_dataset/, nca_dataset_set3/`, as `.npz` shards" in (folder / "README.md").read_text()


def test_shards_without_tokens_are_published_as_the_same_bytes(
    with_original: Published, own_data: DataFolder, resources: Resources, tmp_path: Path
) -> None:
    drop_tokens(KEYS[1], own_data, resources)
    assert publish(tmp_path / "dataset", own_data, original_layout=True).digest == with_original.digest
    assert not own_data.tokens_file(KEYS[1]).exists()


def test_tokens_are_in_the_folder_once(published: Published) -> None:
    card = (published.folder / "README.md").read_text()
    assert not re.search(r"nca_dataset|npz|\.csv", card)


def test_the_vocabulary_is_a_copy(published: Published, to_publish: DataFolder) -> None:
    there = torch.load(local(published.folder / "centroids.pt"), weights_only=True)
    assert torch.equal(there, load_centroids(to_publish))


def test_labels_are_those_of_the_parts(published: Published, to_publish: DataFolder) -> None:
    for rollout_set in ("set1", "set3"):
        table = pl.read_parquet(local(published.folder / "labels" / f"{rollout_set}.parquet"))
        parts = [pl.read_parquet(local(to_publish.labels_file(key))) for key in KEYS if key.set == rollout_set]
        assert table.equals(pl.concat(parts))
        assert table.columns == [column.name for column in LABEL_COLUMNS]
    comments = pq.read_schema(published.folder / "labels" / "set1.parquet").field("token_entropy").metadata
    assert b"0 to 5 bits" in comments[b"description"]


def test_a_collection_is_a_config_with_its_tokens(published: Published, to_publish: DataFolder) -> None:
    rows = pl.read_parquet(local(published.folder / "collections" / "varied" / "set1.parquet"))
    frozen = read_collection("varied", to_publish)
    assert dict(rows.select("rollout_id", "digest").iter_rows()) == frozen.rollouts
    for rollout in RolloutSource.collection("varied", to_publish):
        [row] = rows.filter(rollout_id=str(rollout.id)).to_dicts()
        assert row["tokens"] == np.asarray(rollout.tokens).tobytes(order="F")
        assert row["behavior"] == rollout.labels["behavior"]
    card = (published.folder / "README.md").read_text()
    assert "`varied` is the collection varied, version 1, with tokens: 5 over the grid of tail_change," in card


def test_collections_that_make_no_config_are_refused(own_data: DataFolder, tmp_path: Path) -> None:
    freeze("labels", "SELECT rollout_id FROM labels", own_data)
    with pytest.raises(NcaError, match="the collection labels has the name of another config"):
        publish(tmp_path / "dataset", own_data, collections=["labels"])
    with pytest.raises(NcaError, match="there is no collection 'nothing'"):
        publish(tmp_path / "dataset", own_data, collections=["nothing"])
    file = local(read_collection("varied", own_data).file)
    rows, metadata = read_table(file, own_data, "")
    gone = rows.with_columns(digest=pl.lit("0" * 64))
    lines = "".join(f"{name} {'0' * 64}\n" for name in sorted(rows["rollout_id"]))
    write_table(gone, file, own_data, metadata | {"digest": hashlib.sha256(lines.encode()).hexdigest()})
    with pytest.raises(NcaError, match="5 rollouts of collection 'varied' version 1 are missing or have changed"):
        publish(tmp_path / "dataset", own_data, collections=["varied"])
    assert not (tmp_path / "dataset").exists()


def test_csv_files_are_those_of_the_export(with_original: Published, own_data: DataFolder) -> None:
    for file in export_csv(own_data):
        assert (with_original.folder / file.name).read_bytes() == file.read_bytes()


@pytest.mark.slow
def test_what_the_warehouse_does_not_know_yet_stays_out(
    published: Published, own_data: DataFolder, resources: Resources, tmp_path: Path
) -> None:
    key = ShardKey("set1", 2)
    write_shard(key, load_centroids(own_data), own_data, resources)
    write_labels(key, own_data, resources)
    assert publish(tmp_path / "dataset", own_data, collections=["varied"]).files == published.files
    for rollout_set in ("set1", "set3"):
        assert pl.read_parquet(tmp_path / "dataset" / "labels" / f"{rollout_set}.parquet").height == 12


def test_tokens_are_those_of_the_shards(published: Published, to_publish: DataFolder) -> None:
    table = pl.concat([pl.read_parquet(local(published.folder / "tokens" / f"{key}.parquet")) for key in KEYS])
    for row, rollout in zip(table.iter_rows(named=True), RolloutSource.files(to_publish), strict=True):
        assert row["rollout_id"] == str(rollout.id)
        shape = (row["frames"], row["height"], row["width"])
        tokens = np.frombuffer(row["tokens"], np.uint8).reshape(shape, order="F")
        np.testing.assert_array_equal(tokens, np.asarray(rollout.tokens))


def test_the_preview_shows_frames_in_the_tokens_colors(published: Published, to_publish: DataFolder) -> None:
    import io

    from PIL import Image

    table = pl.read_parquet(local(published.folder / "preview" / "set1.parquet"))
    sources = {str(rollout.id): np.asarray(rollout.tokens) for rollout in RolloutSource.files(to_publish)}
    colors = colors_of("set1", to_publish)
    for row in table.iter_rows(named=True):
        tokens = sources[row["rollout_id"]]
        for name, frame in (("frame_0", 0), ("frame_112", 112), ("frame_last", -1)):
            pixels = np.asarray(Image.open(io.BytesIO(row[name]["bytes"])).convert("RGB"))
            scale = pixels.shape[0] // tokens.shape[1]
            np.testing.assert_array_equal(pixels[::scale, ::scale], colors[tokens[frame]])
            assert max(pixels.shape) >= 128


def test_published_again_it_is_the_same_and_takes_the_place_of_the_first_where_a_link_leads(
    published: Published, copy: Path, to_publish: DataFolder, tmp_path: Path
) -> None:
    (copy / "old.txt").write_text("from before")
    (copy / "tokens" / "set1-00000.parquet").unlink()
    link = tmp_path / "dataset"
    link.symlink_to(copy)
    again = publish(link, to_publish, collections=["varied"])
    assert (again.digest, again.files, again.bytes) == (published.digest, published.files, published.bytes)
    assert link.is_symlink()
    assert check_published(copy) == []
    assert not (copy / "old.txt").exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy", "dataset"]
    assert not (to_publish / "figures").exists()


def test_checksums_are_such_that_sha256sum_reads_them(published: Published) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=local(published.folder), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert hashlib.sha256((published.folder / "SHA256SUMS").read_bytes()).hexdigest() == published.digest


def test_changes_to_a_published_folder_are_found(copy: Path) -> None:
    assert check_published(copy) == []
    (copy / ".gitattributes").write_text("the hub's own")
    assert check_published(copy) == []
    (copy / "labels" / "set1.parquet").unlink()
    (copy / "stranger.txt").write_text("?")
    file = copy / "tokens" / "set1-00001.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert check_published(copy) == [
        "labels/set1.parquet is missing", "tokens/set1-00001.parquet has changed", "stranger.txt is not listed"
    ]  # fmt: skip
    (copy / "SHA256SUMS").write_text("nonsense\n")
    with pytest.raises(NcaError, match="SHA256SUMS is damaged in line 1"):
        check_published(copy)
    (copy / "SHA256SUMS").unlink()
    with pytest.raises(NcaError, match="give a folder that 'nca publish' wrote"):
        check_published(copy)


def test_a_folder_with_other_files_is_left_alone(to_publish: DataFolder, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    (tmp_path / "isos").mkdir()
    (tmp_path / "isos" / "SHA256SUMS").write_text("of other files")
    with pytest.raises(NcaError, match="holds other files"):
        publish(tmp_path / "isos", to_publish)
    shutil.rmtree(tmp_path / "isos")
    with pytest.raises(NcaError, match="holds other files: give a new folder"):
        publish(tmp_path, to_publish)
    with pytest.raises(NcaError, match="is a file"):
        publish(tmp_path / "mine.txt", to_publish)
    assert names(tmp_path) == {"mine.txt"}


def test_damage_is_named_and_leaves_nothing(own_data: DataFolder, tmp_path: Path) -> None:
    file = own_data.tokens_file(ShardKey("set3", 1))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    local(file).write_bytes(bytes(content))
    (tmp_path / "out").mkdir()
    with pytest.raises(NcaError, match=r"shard_00001\.npz"):
        publish(tmp_path / "out" / "dataset", own_data)
    assert list((tmp_path / "out").iterdir()) == []


def test_outdated_data_are_not_published(own_data: DataFolder, resources: Resources, tmp_path: Path) -> None:
    key = ShardKey("set1", 1)
    write_shard(key, load_centroids(own_data).flip(0), own_data, resources)
    with pytest.raises(
        NcaError, match="shard set1-00001 has changed since it was labeled: materialize its behavior_labels"
    ):
        publish(tmp_path / "dataset", own_data)
    write_shard(key, load_centroids(own_data), own_data, resources)
    labels = own_data.labels_file(key)
    rows, lineage = read_table(labels, own_data, "")
    write_table(rows, labels, own_data, lineage | {"digest": "0" * 64})
    with pytest.raises(NcaError, match="labels of set1-00001 differ from the warehouse"):
        publish(tmp_path / "dataset", own_data)
    labels.unlink()
    with pytest.raises(NcaError, match=r"shard=00001\.parquet is missing"):
        publish(tmp_path / "dataset", own_data)
    write_labels(key, own_data, resources)
    for each in KEYS:
        own_data.labels_file(each).unlink()
    build_warehouse(own_data)
    with pytest.raises(NcaError, match="no labeled shards to publish"):
        publish(tmp_path / "dataset", own_data)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nca_dataset_set3/shard_00009.npz", r"shard_00009\.npz is missing: materialize partition set3-00009"),
        ("nca_dataset_set3/shard_00009.json", r"shard_00009\.json is missing: materialize partition set3-00009"),
        ("centroids.pt", r"centroids\.pt is missing: materialize the asset 'centroids'"),
        ("centroids.json", r"centroids\.json is missing: materialize the asset 'centroids'"),
    ],
)
def test_missing_files_are_named(own_data: DataFolder, tmp_path: Path, name: str, message: str) -> None:
    (own_data / name).unlink()
    (tmp_path / "out").mkdir()
    with pytest.raises(NcaError, match=message):
        publish(tmp_path / "out" / "dataset", own_data)
    assert list((tmp_path / "out").iterdir()) == []


def test_labels_that_changed_on_the_disk_are_not_published(own_data: DataFolder, tmp_path: Path) -> None:
    part = own_data.labels_file(ShardKey("set1", 1))
    table, metadata = read_table(part, own_data, "")
    write_table(table.with_columns(pl.col("token_entropy") + 0.25), part, own_data, metadata)
    with pytest.raises(NcaError, match=r"shard=00001\.parquet differs from the warehouse"):
        publish(tmp_path / "dataset", own_data)


def test_shards_of_another_vocabulary_are_not_published(own_data: DataFolder, tmp_path: Path) -> None:
    save_centroids(load_centroids(own_data).flip(0), own_data, "learned")
    with pytest.raises(NcaError, match="set1-00000 was made with centroids"):
        publish(tmp_path / "dataset", own_data)


def test_a_warehouse_that_is_built_meanwhile_is_noticed(
    to_publish: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = iter(["before", "after"])
    monkeypatch.setattr(publishing, "warehouse_version", lambda _: next(versions))
    with pytest.raises(TransientError, match="publish again"):
        publish(tmp_path / "dataset", to_publish)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_warehouse_is_reported(data: DataFolder, tmp_path: Path) -> None:
    with pytest.raises(NcaError, match=r"nca\.duckdb is missing"):
        publish(tmp_path / "dataset", data)


def test_room_is_asked_for_first(to_publish: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(publishing.shutil, "disk_usage", lambda _: usage(9, 9, 1000))
    with pytest.raises(NcaError, match=r"publishing needs about \d+\.\d MB, .* has 0\.0 MB left"):
        publish(tmp_path / "new" / "dataset", to_publish)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_disk_that_fills_up_leaves_what_was_there(
    to_publish: DataFolder, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing.shutil, "copyfile", full)
    with pytest.raises(NcaError, match=r"No space left on device\. Free space"):
        publish(copy, to_publish)
    assert check_published(copy) == []
    assert [file.name for file in copy.parent.iterdir()] == ["copy"]


@pytest.mark.parametrize("name", ["tokens/set1-00001.parquet", "labels/set1.parquet", "figures/geometry.png"])
def test_what_a_disk_has_lost_does_not_read_back(to_publish: DataFolder, copy: Path, name: str) -> None:
    """Checksums of the files as they are would not tell."""
    shards = published_shards(to_publish)
    publishing._prove(copy, shards, to_publish)
    (copy / name).write_bytes(bytes(1000) + (copy / name).read_bytes()[1000:])
    with pytest.raises(NcaError, match=rf"{Path(name).name} does not read back as it was written \("):
        publishing._prove(copy, shards, to_publish)


def test_what_does_not_read_back_is_not_published(
    to_publish: DataFolder, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NcaError("it does not read back")

    monkeypatch.setattr(publishing, "_prove", refuse)
    with pytest.raises(NcaError, match="it does not read back"):
        publish(copy, to_publish)
    assert check_published(copy) == []
    assert [file.name for file in copy.parent.iterdir()] == ["copy"]
