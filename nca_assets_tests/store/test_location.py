"""Paths in a bucket answer as local ones do, and leave everyone else's alone."""

import pickle
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.errors import NcaError
from nca_assets.settings import DatasetSettings, load
from nca_assets.store.location import BucketPath, parse_location, place_in

PART = st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=8).filter(
    lambda text: text not in {".", ".."}
)


@given(st.lists(PART, max_size=4), PART, st.sampled_from([".json", ".tar.gz", ""]))
def test_their_parts_are_those_of_a_local_path(parts: list[str], other: str, suffix: str) -> None:
    there, here = BucketPath("bucket", PurePosixPath("/", *parts)), PurePosixPath("/", *parts)
    assert str(there) == f"s3://bucket{here}".rstrip("/")
    assert (there.name, there.stem, there.suffix) == (here.name, here.stem, here.suffix)
    assert there.parent == BucketPath("bucket", here.parent)
    assert there / other == BucketPath("bucket", here / other)
    if parts:
        assert there.with_name(other) == BucketPath("bucket", here.with_name(other))
        assert there.with_suffix(suffix) == BucketPath("bucket", here.with_suffix(suffix))


@given(st.lists(PART, max_size=4))
def test_they_are_equal_when_they_are_written_alike(parts: list[str]) -> None:
    one = BucketPath("bucket", PurePosixPath("/", *parts))
    other = BucketPath("bucket", PurePosixPath("/"))
    for part in parts:
        other = other / part
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one not in {BucketPath("another", one.path), one / "below"}


@pytest.mark.parametrize("text", ["s3://bucket", "s3://bucket/a", "s3://bucket/a/b"])
def test_a_location_is_parsed_as_it_is_written(text: str) -> None:
    for written in (text, f"{text}/"):
        found = parse_location(written)
        assert isinstance(found, BucketPath)
        assert str(found) == text
        assert parse_location(found) is found


def test_anything_without_a_scheme_is_a_local_folder() -> None:
    assert parse_location("data/here") == Path("data/here")


@pytest.mark.parametrize("text", ["gs://bucket/prefix", "s3://", "s3:///"])
def test_another_place_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCA_DATA", text)
    with pytest.raises(NcaError, match=f"NCA_DATA={text}: .*write a folder, or s3://bucket/prefix"):
        load(DatasetSettings)


@pytest.mark.parametrize("data", ["folder", "/folder/data", "s3://bucket", "s3://bucket/data"])
def test_the_place_of_a_file_in_its_folder_is_the_same_wherever_that_is(data: str) -> None:
    folder = parse_location(data)
    assert place_in(folder, folder / "labels" / "a.parquet") == "labels/a.parquet"


def test_opening_a_bucket_leaves_the_protocol_s3_to_fsspec() -> None:
    code = """
from fsspec.registry import known_implementations, registry
before = dict(registry), dict(known_implementations)
from nca_assets.store.location import parse_location
from nca_assets.store.store import store_of
location = parse_location("s3://bucket/prefix")
print(location.parent, store_of(location))
assert (dict(registry), dict(known_implementations)) == before
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_local_data_need_nothing_of_a_buckets_client() -> None:
    code = "import sys, nca_assets.cli.main, nca_assets.warehouse.read; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"obstore", "fsspec", "upath"} & set(done.stdout.split())
