"""A shard's labels, curves and sums are held to each other and to the shard's manifest."""

import polars as pl
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.ids import ShardKey
from nca_assets.labels.table import read_table, write_table
from nca_assets.labels.verify import verify_labels
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources
from nca_assets.store.location import Stored
from nca_assets_tests.conftest import local
from nca_assets_tests.shards.test_verify import forge

KEY = ShardKey("set2", 1)


def change(file: Stored, data: DataFolder, **columns: pl.Expr) -> None:
    """Write other values into ``file``, soundly sealed."""
    table, metadata = read_table(file, data, "")
    write_table(table.with_columns(**columns), file, data, metadata)


def test_labels_that_agree_with_their_shard_verify_and_none_are_none(labelled: DataFolder) -> None:
    assert verify_labels(KEY, labelled)
    labelled.labels_file(KEY).unlink()
    assert not verify_labels(KEY, labelled)


def test_files_that_contradict_each_other_are_named_with_the_remedy(labelled: DataFolder) -> None:
    labels, curves, sums = (
        labelled.labels_file(KEY), labelled.curves_file(KEY), labelled.curve_sums_file(KEY)
    )  # fmt: skip
    before = {file: file.read_bytes() for file in (labels, curves, sums)}
    for changed, columns, message in (
        (labels, {"behavior": pl.lit("zhythmic")}, "its digest is not that of its labels and curves"),
        (curves, {"entropy": pl.col("changed")}, "its digest is not that of its labels and curves"),
        (sums, {"novelty": pl.col("novelty") + 1}, "it is not the sum of the curves"),
    ):
        change(changed, labelled, **columns)
        named = sums if changed == sums else labels
        with pytest.raises(DamageError) as caught:
            verify_labels(KEY, labelled)
        assert str(caught.value) == (
            f"{named} is damaged ({message}): materialize partition {KEY} of behavior_labels again"
        )
        local(changed).write_bytes(before[changed])
    assert verify_labels(KEY, labelled)


def test_labels_of_another_shard_are_named(labelled: DataFolder, resources: Resources) -> None:
    forge(labelled)
    with pytest.raises(DamageError, match=r"its rollouts are not those of .*shard_00001\.json"):
        verify_labels(KEY, labelled)
    write_labels(KEY, labelled, resources)
    assert verify_labels(KEY, labelled)
