"""A label part: one typed row a rollout, equal each time, and never replaced by a failure."""

import numpy as np
import polars as pl
import pytest

from nca_assets.automaton.recipe import draw_rule
from nca_assets.errors import NcaError
from nca_assets.labels.metrics import measure
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.labels.write import POLARS_TYPES, write_labels
from nca_assets.naming import ShardKey
from nca_assets.settings import Settings
from nca_assets.shards.read import read_rollout

KEY = ShardKey("set2", 1)


def test_the_part_holds_the_schema_and_the_rollouts(labelled: Settings) -> None:
    part = pl.read_parquet(KEY.labels_file(labelled.data), hive_partitioning=False)
    assert dict(part.schema) == {column.name: POLARS_TYPES[column.type]() for column in LABEL_COLUMNS}
    assert part["rollout_id"].to_list() == [f"set2/{index:06d}" for index in range(4, 8)]
    for row in part.iter_rows(named=True):
        tokens = read_rollout(KEY, labelled.data, row["index"])
        assert measure(tokens).items() <= row.items()
        assert tokens.shape == (row["frames"], row["height"], row["width"])
        scalars = draw_rule(2, row["index"]).scalars
        assert row["gain_in"] == scalars.gain_in
        assert row["residual_scale"] == 2.0**-scalars.residual_shift
        assert row["leak"] == scalars.leak / 64
        assert row["noise"] == 255 / 2**scalars.noise_shift


def test_labelling_again_gives_the_same_digest(labelled: Settings) -> None:
    seen = []
    first = write_labels(KEY, labelled.data, lambda done, total: seen.append((done, total)))
    assert write_labels(KEY, labelled.data).digest == first.digest
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_damaged_shard_is_named_and_the_old_part_stays(labelled: Settings) -> None:
    before = KEY.labels_file(labelled.data).read_bytes()
    file = KEY.tokens_file(labelled.data)
    with np.load(file, allow_pickle=False) as shard:
        members = dict(shard)
    members["rollout_000005"] = members["rollout_000005"] ^ 1
    np.savez_compressed(file, **members)
    with pytest.raises(NcaError, match=r"shard_00001\.npz: rollout_000005 differs"):
        write_labels(KEY, labelled.data)
    assert KEY.labels_file(labelled.data).read_bytes() == before


def test_a_shard_that_was_never_made_is_named(labelled: Settings) -> None:
    with pytest.raises(NcaError, match="materialize partition set3-00002 of rollout_shards"):
        write_labels(ShardKey("set3", 2), labelled.data)
