"""Reading rollouts of imported sets as our own are read."""

import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from isal import isal_zlib

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.loading.source import RolloutSource
from nca_assets.project import Project
from nca_assets.settings import Resources
from nca_assets.shards.imported import register
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.conftest import local

ROLLOUTS = 8


@pytest.fixture(scope="module")
def movies() -> dict[str, np.ndarray]:
    """Arrays of many kinds: of tokens as we write them, of other types and orders, and of four axes."""
    chance = np.random.default_rng(0)
    plain = {f"movie_{n}": chance.integers(0, 9, (129, 6, 7), dtype=np.uint8) for n in range(ROLLOUTS - 4)}
    odd = chance.integers(0, 2, (2, 129, 6, 7))
    return plain | {"bools": odd[0].astype(bool), "fortran": np.asfortranarray(odd[1], np.uint8), "batch": odd}


@pytest.fixture(scope="module")
def life(movies: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """An imported set alone, labelled, with a warehouse."""
    folder = tmp_path_factory.mktemp("life")
    np.savez_compressed(folder / "a.npz", allow_pickle=False, **movies)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("NCA_DATA", str(folder / "data"))
        data = Project.load().writable_data()
    key = ShardKey("life", 0)
    register(key, folder / "a.npz", data)
    write_labels(key, data, Resources(device="cpu", threads=1))
    build_warehouse(data)
    return data


@pytest.fixture
def decompressed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many members of archives are decompressed, by whatever does it."""
    counts: Counter[str] = Counter()
    opened, inflated = zipfile.ZipFile.open, isal_zlib.decompress

    def opening(*arguments: Any, **options: Any) -> Any:
        counts["members"] += 1
        return opened(*arguments, **options)

    def inflating(*arguments: Any) -> bytes:
        counts["members"] += 1
        return inflated(*arguments)

    monkeypatch.setattr(zipfile.ZipFile, "open", opening)
    monkeypatch.setattr(isal_zlib, "decompress", inflating)
    return counts


def test_no_imported_array_is_decompressed_twice(
    life: DataFolder, movies: dict[str, np.ndarray], decompressed: Counter[str]
) -> None:
    source = RolloutSource.where("true", life, resources=Resources(device="cpu", threads=2))
    tokens = list(source.read(range(ROLLOUTS)))
    assert decompressed["members"] <= len(movies)
    expected = [*list(movies.values())[:-1], *movies["batch"]]
    for read, movie in zip(tokens, expected, strict=True):
        assert not isinstance(read, NcaError)
        np.testing.assert_array_equal(read, movie)


def test_imported_rollouts_stream_and_unpack_like_our_own(life: DataFolder) -> None:
    source = RolloutSource.where("true", life)
    pairs = zip(source.transitions(seed=1), source.unpacked().transitions(seed=1), strict=True)
    assert all(bool((packed.tokens == unpacked.tokens).all()) for packed, unpacked in pairs)


def test_an_imported_file_that_is_gone_or_another_is_named(
    life: DataFolder, movies: dict[str, np.ndarray], tmp_path: Path
) -> None:
    from shutil import copytree

    data = replace(life, root=copytree(local(life.root), tmp_path / "data"))
    source = RolloutSource.where("true", data)
    np.savez(tmp_path / "a.npz", allow_pickle=False, **{name: movie[..., :5, :] for name, movie in movies.items()})
    register(ShardKey("life", 0), tmp_path / "a.npz", data)
    with pytest.raises(
        NcaError, match=r"a\.npz is damaged at movie_0 \(shape \(129, 5, 7\), not \(129, 6, 7\)\): put it"
    ):
        source[0]
    (tmp_path / "a.npz").unlink()
    with pytest.raises(NcaError, match=r"a\.npz is missing: put it back, or import life-00000 again"):
        source[0]
