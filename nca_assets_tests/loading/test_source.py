"""Sources: the same bytes from files and from recipes, chosen in SQL, and errors that name the shard."""

import operator
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId, ShardKey
from nca_assets.loading import same_recipe
from nca_assets.loading.readers import read_recipes
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.splits import split_of
from nca_assets.project import Project
from nca_assets.shards.manifest import rollout_digest
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.centroids import digest, load_centroids, save_centroids
from nca_assets.warehouse.collections import Sampling, freeze
from nca_assets_tests.conftest import local
from nca_assets_tests.loading.conftest import KEYS, torch_loader


def test_files_and_recipes_give_equal_bytes(shards: DataFolder) -> None:
    files = RolloutSource.files(shards)
    recipes = RolloutSource(files.table, read_recipes, shards)
    assert len(files) == 4 * len(KEYS)
    for read, simulated in zip(files, recipes, strict=True):
        assert read.id == simulated.id
        np.testing.assert_array_equal(read.tokens, simulated.tokens)


def test_a_source_of_recipes_needs_no_files(shards: DataFolder) -> None:
    source = RolloutSource.recipes("set3", range(30, 34), shards)
    assert [str(rollout.id) for rollout in source] == [f"set3/{index:06d}" for index in range(30, 34)]
    for position, rollout in enumerate(source):
        assert rollout.tokens.shape == tuple(source.places[position, 3:])
        assert rollout.tokens.shape[0] == 140


def test_tokens_are_those_with_the_digest_in_the_labels(shards: DataFolder) -> None:
    for rollout in RolloutSource.where("true", shards):
        assert rollout_digest(np.asarray(rollout.tokens)) == rollout.labels["digest"]
        assert rollout.labels["rollout_id"] == str(rollout.id)


@pytest.mark.parametrize("frames", [129, 200])
def test_recipes_give_the_labelled_tokens_whatever_length_is_set(
    shards: DataFolder, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCA_FRAMES", str(frames))
    set_otherwise = Project.load().at(local(shards.root)).data
    for rollout in RolloutSource.where("rollout_index < 2", set_otherwise, recipes=True):
        assert rollout_digest(np.asarray(rollout.tokens)) == rollout.labels["digest"]


def test_recipes_of_several_lengths_are_beginnings_of_the_same_rollouts(shards: DataFolder) -> None:
    files = RolloutSource.files(shards).take(range(4))
    lengths = [140, 130, 130, 20]
    table = files.table.with_columns(pl.Series("frames", lengths, dtype=files.table.schema["frames"]))
    for length, whole, read in zip(lengths, files, RolloutSource(table, read_recipes, shards), strict=True):
        np.testing.assert_array_equal(read.tokens, whole.tokens[:length])


def test_recipes_that_would_give_other_tokens_than_the_labelled_are_refused(
    own_shards: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze("few", "SELECT rollout_id FROM labels WHERE rollout_index < 3", own_shards)
    with monkeypatch.context() as newer:
        newer.setattr(same_recipe, "RECIPE_VERSION", RECIPE_VERSION + 1)
        said = f"6 shards, like set1-00000, were labeled with recipe version {RECIPE_VERSION} and cent"
        with pytest.raises(NcaError, match=said):
            RolloutSource.where("true", own_shards, recipes=True)
    before = load_centroids(own_shards)
    save_centroids(before.flip(0), own_shards, "imported from a test")
    again = r"remake them \('nca backfill --stale'\), or read the shards instead"
    remedy = f"centroids {digest(before)[:12]}….*{again}"
    with pytest.raises(NcaError, match=remedy):
        RolloutSource.where("set_name = 'set2'", own_shards, recipes=True)
    with pytest.raises(NcaError, match=remedy):
        RolloutSource.collection("few", own_shards, recipes=True)
    assert len(list(RolloutSource.where("true", own_shards))) == 4 * len(KEYS)


def test_rollouts_are_chosen_in_sql(shards: DataFolder) -> None:
    every = RolloutSource.where("true", shards)
    odd = RolloutSource.where("rollout_index % 2 = 1 and set_name = 'set2'", shards, columns=["behavior", "width"])
    expected = [rollout.id for rollout in every if rollout.id.set == "set2" and rollout.id.index % 2]
    assert odd.ids == expected
    assert set(odd[0].labels) >= {"behavior", "width"}
    assert "period" not in odd[0].labels
    few = RolloutSource.query("SELECT rollout_id FROM labels ORDER BY token_entropy DESC LIMIT 3;", shards)
    assert len(few) == 3
    splits = [RolloutSource.where(f"by_rollout = '{name}'", shards) for name in named_splits(shards)]
    assert sorted(i for source in splits for i in source.ids) == every.ids


def named_splits(data: DataFolder) -> list[str]:
    from nca_assets.warehouse.answer import first_rows

    return [name for (name,) in first_rows("SELECT DISTINCT by_rollout FROM splits", data, 9)[1]]


def test_classes_can_be_balanced(shards: DataFolder) -> None:
    source = RolloutSource.where("true", shards)
    balanced = source.balanced()
    counts = balanced.table["behavior"].value_counts()["count"]
    assert counts.n_unique() == 1
    assert balanced.table["behavior"].n_unique() == source.table["behavior"].n_unique()
    assert source.balanced().ids == balanced.ids
    sampled = RolloutSource.where("true", shards, sampling=Sampling(each=1))
    assert len(sampled) == source.table["behavior"].n_unique()


def test_a_collection_is_a_source(own_shards: DataFolder) -> None:
    freeze("few", "SELECT rollout_id FROM labels WHERE rollout_index < 3", own_shards)
    source = RolloutSource.collection("few", own_shards)
    assert source.ids == [RolloutId(name, index) for name in ("set1", "set2") for index in range(3)]
    with pytest.raises(NcaError, match="no collection 'many'"):
        RolloutSource.collection("many", own_shards)


@pytest.mark.parametrize(
    ("condition", "columns", "message"),
    [
        ("height <", None, "DuckDB: Parser Error"),
        ("heigth = 8", None, 'DuckDB: Binder Error.*"height"'),
        ("height = 1", None, "no labeled rollout is selected by .*height = 1"),
        ("true", ["heigth"], "labels have no column 'heigth': use some of rollout_id, "),
        ('"index" < 2', None, "DuckDB: .*The column index is now called rollout_index; labels_old_names has"),
        ('splits."set" = 1', None, "DuckDB: .*The column set is now called set_name; labels_old_names has"),
        ("true); COPY labels TO 'x.csv'; SELECT (1", None, "DuckDB: Parser Error"),
        ("false) OR (true", None, "DuckDB: Parser Error"),
        ("false UNION SELECT rollout_id FROM labels", None, "DuckDB: Parser Error"),
    ],
)
def test_a_wrong_query_says_what_is_wrong(
    shards: DataFolder, condition: str, columns: list[str] | None, message: str
) -> None:
    with pytest.raises(NcaError, match=f"(?s){message}"):
        RolloutSource.where(condition, shards, columns=columns)


def test_a_condition_may_end_in_a_comment(shards: DataFolder) -> None:
    assert len(RolloutSource.where("rollout_index < 2 -- the first ones", shards)) == 4


def test_an_empty_source_is_reported(data: DataFolder) -> None:
    with pytest.raises(NcaError, match="no rollouts to read: materialize rollout_shards"):
        RolloutSource.files(data)
    with pytest.raises(NcaError, match="set 'life' was imported: its rollouts have files but no recipes"):
        RolloutSource.recipes("life", range(3), data)
    with pytest.raises(NcaError, match="has no set 'set4': use one of set1"):
        RolloutSource.recipes("set4", range(3), data)


def damage_the_middle(file: bytes) -> bytes:
    middle = len(file) // 2
    return file[:middle] + bytes(byte ^ 0xFF for byte in file[middle : middle + 64]) + file[middle + 64 :]


@pytest.mark.parametrize("damage", [damage_the_middle, lambda file: file[:-200], lambda _: b"", lambda _: None])
def test_a_corrupt_shard_is_named(own_shards: DataFolder, damage: Callable[[bytes], bytes | None]) -> None:
    file = own_shards.tokens_file(ShardKey("set1", 1))
    content = damage(file.read_bytes())
    file.unlink()
    if content is not None:
        local(file).write_bytes(content)
    with pytest.raises(NcaError, match=r"shard_00001\.npz is .*: materialize partition set1-00001 of rollout_shards"):
        list(RolloutSource.files(own_shards))


def test_a_member_under_the_name_of_another_is_damage(own_shards: DataFolder) -> None:
    """Its checksum is right, so only the name in front of it tells."""
    file = local(own_shards.tokens_file(ShardKey("set1", 0)))
    content = file.read_bytes()
    start = content.index(b"PK\1\2")
    directory = content[start:].replace(b"rollout_000002", b"rollout_").replace(b"rollout_000003", b"rollout_000002")
    file.write_bytes(content[:start] + directory.replace(b"rollout_.", b"rollout_000003."))
    for tokens in RolloutSource.files(own_shards).read([2, 3]):
        assert "another member is in its place" in str(tokens)


def test_another_shape_than_the_labels_say_is_damage(own_shards: DataFolder) -> None:
    file = own_shards.tokens_file(ShardKey("set1", 1))
    with np.load(local(file), allow_pickle=False) as shard:
        members: dict[str, Any] = {name: shard[name][:100] for name in shard}
    np.savez_compressed(local(file), **members)
    with pytest.raises(NcaError, match=r"rollout_000004 \(shape \(100, \d+, \d+\), not \(140, "):
        RolloutSource.files(own_shards)[4]


def test_shards_that_numpy_wrote_are_read_too(own_shards: DataFolder) -> None:
    """In C order, deflated or stored."""
    before = [rollout.tokens for rollout in RolloutSource.files(own_shards)]
    for number, save in ((0, np.savez_compressed), (1, np.savez)):
        file = own_shards.tokens_file(ShardKey("set1", number))
        with np.load(local(file), allow_pickle=False) as shard:
            members: dict[str, Any] = {name: np.ascontiguousarray(shard[name]) for name in shard}
        save(local(file), **members)
    for old, new in zip(before, RolloutSource.files(own_shards), strict=True):
        np.testing.assert_array_equal(old, new.tokens)


@given(st.lists(st.integers(-24, 23), min_size=1, max_size=6))
def test_positions_are_those_of_a_sequence(shards: DataFolder, positions: list[int]) -> None:
    source = RolloutSource.files(shards)
    ids = source.ids
    assert [source[position].id for position in positions] == [ids[position] for position in positions]
    with pytest.raises(IndexError):
        source[24]


@pytest.mark.parametrize("workers", [0, 2])
def test_torch_loads_from_it_as_it_is(shards: DataFolder, workers: int) -> None:
    source = RolloutSource.files(shards)
    loaded = list(torch_loader(source, workers))
    assert [rollout.id for rollout in loaded] == source.ids


def test_grain_loads_from_it_as_it_is(shards: DataFolder) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grain = pytest.importorskip("grain")
        source = RolloutSource.files(shards)
        data = grain.MapDataset.source(source).shuffle(seed=3).map(lambda rollout: rollout.id)
        assert sorted(data[i] for i in range(len(data))) == source.ids


def test_what_needs_rollouts_of_one_shape_says_so(shards: DataFolder) -> None:
    with pytest.raises(NcaError, match=r"rollouts can't be collated: pass batch_size=None"):
        next(iter(torch_loader(RolloutSource.files(shards), 0, 4)))


def test_slices_and_sums_are_sources(shards: DataFolder) -> None:
    source = RolloutSource.files(shards)
    assert source[2:20:3].ids == source.ids[2:20:3]
    assert (source[:5] + source[3:9]).ids == source.ids[:9]
    with pytest.raises(NcaError, match="read in the same way can be added: mix their streams"):
        operator.add(source, RolloutSource.recipes("set3", range(4), shards))


def test_recipes_can_be_those_of_a_split(shards: DataFolder) -> None:
    source = RolloutSource.recipes("set3", range(100), shards, split="test")
    assert source.ids == [
        rollout for rollout in RolloutSource.recipes("set3", range(100), shards).ids if split_of(rollout) == "test"
    ]
    with pytest.raises(NcaError, match="no split 'dev': use train, validation, test"):
        RolloutSource.recipes("set3", range(4), shards, split="dev")


@pytest.mark.parametrize("index", [-1, 2**32])
def test_recipes_that_no_set_has_are_refused(shards: DataFolder, index: int) -> None:
    with pytest.raises(NcaError, match=f"set3 has no recipe {index}: give indices from 0 to 4294967295"):
        RolloutSource.recipes("set3", [3, index], shards)


def test_balancing_by_a_label_that_is_not_there_is_refused(shards: DataFolder) -> None:
    with pytest.raises(NcaError, match="this source has no label 'behavior'"):
        RolloutSource.files(shards).balanced()


def test_files_of_shards_that_changed_places_are_damage(own_shards: DataFolder) -> None:
    """Arrays have the same names in every set; it gave the rollouts of another where these have the same shape."""
    first = local(own_shards.tokens_file(ShardKey("set1", 0)))
    with np.load(first, allow_pickle=False) as shard:
        members: dict[str, Any] = {name: shard[name][::-1] for name in shard}
    np.savez_compressed(first, **members)
    with pytest.raises(NcaError, match=r"rollout_000000 differs from its digest in the manifest\): materialize"):
        _ = RolloutSource.files(own_shards)[1]


def test_reading_that_was_left_ends_even_within_the_start_of_a_thread(own_shards: DataFolder) -> None:
    """As when it is collected there: it waited for threads whose end needs the lock that is held, for ever."""
    lock = getattr(threading, "_shutdown_locks_lock", None)
    if lock is None:
        pytest.skip("this Python has no such lock")
    reading = RolloutSource.files(own_shards).read(range(8), threads=2)
    next(reading)
    ended = threading.Event()

    def leave() -> None:
        with lock:
            reading.close()  # type: ignore[attr-defined]
        ended.set()

    threading.Thread(target=leave, daemon=True).start()
    assert ended.wait(20)


def test_a_program_may_end_in_the_middle_of_reading(own_shards: DataFolder) -> None:
    """The generator is collected when modules are gone; that gave a traceback."""
    program = """
import torch
from nca_assets.loading.source import RolloutSource
from nca_assets.project import Project
reading = RolloutSource.files(Project.load().data).read(range(8))
print(len(next(reading)))
"""
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "140\n", "")
    assert own_shards
