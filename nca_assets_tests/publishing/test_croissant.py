"""The Croissant metadata are valid by the format's own package, which reads the data by them too."""

import hashlib
import itertools
import json
import warnings
from datetime import date

import numpy as np
import polars as pl
import pytest
from PIL import Image

from nca_assets.publishing.layout import CONFIGS
from nca_assets.publishing.publish import Published
from nca_assets_tests.conftest import local

pytestmark = pytest.mark.slow


@pytest.fixture
def dataset(published: Published):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlcroissant

        yield mlcroissant.Dataset(jsonld=str(published.folder / "croissant.json"))


def test_it_is_valid(dataset) -> None:
    issues = dataset.metadata.issues
    assert not issues.errors
    assert not issues.warnings


def test_it_has_what_version_1_1_requires(published: Published) -> None:
    about = json.loads((published.folder / "croissant.json").read_text())
    assert about["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    required = {"@context", "@type", "description", "license", "name", "url", "creator", "datePublished"}
    assert required <= about.keys()
    assert date.fromisoformat(about["datePublished"])
    named = {field["@id"] for records in about["recordSet"] for field in records["field"]}
    assert {records["key"]["@id"] for records in about["recordSet"]} <= named


def test_every_column_of_every_split_is_described(dataset) -> None:
    records = {record.uuid: record for record in dataset.metadata.record_sets}
    expected = {f"{config.name}/{split}" for config in CONFIGS for split in ("set1", "set3")}
    assert set(records) == expected | {"varied/set1"}
    for config in CONFIGS:
        fields = records[f"{config.name}/set1"].fields
        assert [(f.name, f.description) for f in fields] == [(c.name, c.description) for c in config.columns]


def test_files_have_their_checksums(published: Published) -> None:
    about = json.loads((published.folder / "croissant.json").read_text())
    files = [d for d in about["distribution"] if d["@type"] == "cr:FileObject"]
    alone = {f"{c}/{s}.parquet" for c in ("preview", "labels") for s in ("set1", "set3")}
    assert {file["@id"] for file in files} == alone | {"collections/varied/set1.parquet"}
    for file in files:
        assert hashlib.sha256((published.folder / file["contentUrl"]).read_bytes()).hexdigest() == file["sha256"]


def test_records_can_be_read_by_it(dataset, published: Published) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels = list(itertools.islice(dataset.records("labels/set3"), 12))
        [first] = itertools.islice(dataset.records("preview/set1"), 1)
        tokens = list(dataset.records("tokens/set1"))
    expected = pl.read_parquet(local(published.folder / "labels" / "set3.parquet"))
    assert [row["labels/set3/rollout_id"].decode() for row in labels] == expected["rollout_id"].to_list()
    np.testing.assert_allclose([row["labels/set3/mean_change"] for row in labels], expected["mean_change"].to_numpy())
    assert isinstance(first["preview/set1/frame_0"], Image.Image)
    files = sorted(local(published.folder / "tokens").glob("set1-*.parquet"))
    there = dict(pl.concat([pl.read_parquet(local(file)) for file in files]).select("rollout_id", "tokens").iter_rows())
    assert {row["tokens/set1/rollout_id"].decode(): row["tokens/set1/tokens"] for row in tokens} == there
