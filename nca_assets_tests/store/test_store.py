"""A folder and a bucket answer alike, whatever they are asked for."""

import inspect
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nca_assets.store.bucket import BucketStore
from nca_assets.store.local import LocalStore
from nca_assets.store.location import BucketPath, Stored
from nca_assets.store.store import (
    Store,
    cache_of,
    create,
    current,
    first_copy,
    free_bytes,
    local_copies,
    local_copy,
    modified_at,
    names,
    names_below,
    publish_version,
    require_writable,
    sizes,
    store_of,
    whole_file,
)


def write(path: Stored, content: bytes) -> None:
    with whole_file(path) as file:
        file.write(content)


def methods(of: type) -> dict[str, list[str]]:
    """The names of the parameters of each public method."""
    found = inspect.getmembers(of, inspect.isfunction)
    return {name: list(inspect.signature(each).parameters) for name, each in found if not name.startswith("_")}


@pytest.mark.parametrize("kind", [LocalStore, BucketStore])
def test_both_stores_have_the_methods_of_the_protocol_and_no_others(kind: type) -> None:
    asked = methods(Store)
    assert {name: len(parameters) for name, parameters in methods(kind).items()} == {
        name: len(parameters) for name, parameters in asked.items()
    }


def test_each_path_has_its_store(tmp_path: Path, prefix: BucketPath) -> None:
    assert isinstance(store_of(tmp_path), LocalStore)
    assert isinstance(store_of(prefix), BucketStore)


def test_files_are_listed_with_their_sizes(place: Stored) -> None:
    for name in ("a/1.txt", "a/2.txt", "b/c/3.txt"):
        write(place / name, name.encode())
    assert sorted(names(place / "a")) == ["1.txt", "2.txt"]
    assert sizes(place / "a") == {"1.txt": 7, "2.txt": 7}
    assert sorted(names_below(place)) == ["a/1.txt", "a/2.txt", "b/c/3.txt"]


def test_a_missing_folder_is_an_empty_one(place: Stored) -> None:
    assert list(names(place / "none")) == list(names_below(place / "none")) == []
    assert sizes(place / "none") == {}
    assert not (place / "none").exists()


def test_a_file_is_read_and_removed(place: Stored) -> None:
    file = place / "below" / "1.txt"
    write(file, b"content")
    assert file.exists()
    assert file.is_file()
    assert file.parent.exists()
    assert not file.parent.is_file()
    assert file.stat().st_size == 7
    assert file.read_bytes() == b"content"
    assert file.read_text() == "content"
    with file.open("rb") as opened:
        assert opened.read() == b"content"
    assert modified_at(file) == pytest.approx(file.stat().st_mtime, abs=2)
    file.unlink()
    file.unlink(missing_ok=True)
    assert not file.exists()
    for asked in (file.read_bytes, file.stat, file.unlink):
        with pytest.raises(FileNotFoundError):
            asked()


def test_a_file_appears_when_it_is_whole(place: Stored) -> None:
    file = place / "below" / "file"
    with whole_file(file) as opened:
        opened.write(b"whole")
        assert not file.exists()
    with pytest.raises(ZeroDivisionError), whole_file(file) as opened:
        opened.write(b"half" * (1 // 0))
    assert file.read_bytes() == b"whole"
    assert list(names(file.parent)) == ["file"]


def test_a_file_is_created_once(place: Stored) -> None:
    file = place / "versions" / "v0001"
    assert create(file, b"first")
    assert not create(file, b"second")
    assert file.read_bytes() == b"first"
    assert list(names(file.parent)) == ["v0001"]


def test_of_many_that_create_a_local_file_at_once_one_succeeds_and_its_content_is_whole(tmp_path: Path) -> None:
    contents = [f"{number:03d}".encode() * 10_000 for number in range(32)]
    for round_number in range(5):
        with ThreadPoolExecutor(8) as pool:
            created = list(pool.map(lambda content, name=str(round_number): create(tmp_path / name, content), contents))
        assert created.count(True) == 1
        assert (tmp_path / str(round_number)).read_bytes() == contents[created.index(True)]
    assert len(list(tmp_path.iterdir())) == 5


def test_copies_are_local_and_of_what_is_there(place: Stored) -> None:
    files = [place / "a" / "1", place / "a" / "2", place / "b" / "3"]
    for file in files:
        write(file, str(file).encode())
    assert [copy.read_bytes() for copy in local_copies([*files, files[0]])] == [
        str(file).encode() for file in [*files, files[0]]
    ]
    assert local_copy(files[2]).read_bytes() == first_copy(files[2]).read_bytes() == str(files[2]).encode()
    assert local_copies([]) == []


def test_what_is_published_is_the_present_version(place: Stored, tmp_path: Path) -> None:
    final, versions = place / "nca.duckdb", place / "warehouse"
    require_writable(place)
    assert not current(final, versions).exists()
    for content in ("one", "two"):
        (tmp_path / "built").write_text(content)
        published = publish_version(tmp_path / "built", final, current(final, versions), versions)
        assert current(final, versions) == published
        assert published.suffix == ".duckdb"
        assert published.read_text() == content


def test_a_place_to_write_to_is_proven_and_left_as_it_was(place: Stored) -> None:
    require_writable(place / "new")
    assert list(names(place / "new")) == []


def test_only_disks_have_an_end(tmp_path: Path, prefix: BucketPath) -> None:
    assert free_bytes(prefix) is None
    assert free_bytes(tmp_path / "not" / "yet" / "there") == pytest.approx(free_bytes(tmp_path), rel=0.1)


def test_what_is_derived_has_a_local_folder(tmp_path: Path, prefix: BucketPath) -> None:
    assert cache_of(tmp_path) == tmp_path
    assert str(cache_of(prefix / "data")).endswith(f"nca-assets/data/nca/{prefix.name}/data")
