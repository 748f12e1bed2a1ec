"""A shard's labels, curves and sums are held to each other and to the shard's manifest."""

import polars as pl
import pytest

from nca_assets.errors import DamageError
from nca_assets.labels.table import read_table, write_table
from nca_assets.labels.verify import verify_labels
from nca_assets.labels.write import write_labels
from nca_assets.naming import ShardKey
from nca_assets.settings import Settings
from nca_assets.storage import Stored
from nca_assets_tests.conftest import local
from nca_assets_tests.shards.test_verify import forge

KEY = ShardKey("set2", 1)


def change(file: Stored, settings: Settings, **columns: pl.Expr) -> None:
    """Write other values into ``file``, soundly sealed."""
    table, metadata = read_table(file, settings.data, "")
    write_table(table.with_columns(**columns), file, settings.data, metadata)


def test_labels_that_agree_with_their_shard_verify_and_none_are_none(labelled: Settings) -> None:
    assert verify_labels(KEY, labelled.data)
    KEY.labels_file(labelled.data).unlink()
    assert not verify_labels(KEY, labelled.data)


def test_files_that_contradict_each_other_are_named_with_the_remedy(labelled: Settings) -> None:
    labels, curves, sums = (
        KEY.labels_file(labelled.data), KEY.curves_file(labelled.data), KEY.curve_sums_file(labelled.data)
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
            verify_labels(KEY, labelled.data)
        assert str(caught.value) == (
            f"{named} is damaged ({message}): materialize partition {KEY} of behavior_labels again"
        )
        local(changed).write_bytes(before[changed])
    assert verify_labels(KEY, labelled.data)


def test_labels_of_another_shard_are_named(labelled: Settings) -> None:
    forge(labelled)
    with pytest.raises(DamageError, match=r"its rollouts are not those of .*shard_00001\.json"):
        verify_labels(KEY, labelled.data)
    write_labels(KEY, labelled)
    assert verify_labels(KEY, labelled.data)
