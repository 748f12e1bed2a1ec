"""A label part: one typed row a rollout, equal each time, and never replaced by a failure."""

import os
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
import torch

from nca_assets.automaton.compiled import simulate
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_rule
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.labels.damage import REPLICA_FRAMES, flip_in_the_middle, measure_damage
from nca_assets.labels.metrics import measure
from nca_assets.labels.schema import CURVE_COLUMNS, LABEL_COLUMNS
from nca_assets.labels.states import measure_states
from nca_assets.labels.table import POLARS_TYPES
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources
from nca_assets.shards.read import read_rollout
from nca_assets_tests.conftest import local

KEY = ShardKey("set2", 1)

Members = dict[str, np.ndarray]


def test_the_parts_hold_the_schema_and_the_rollouts(labelled: DataFolder, centroids: torch.Tensor) -> None:
    curve_part = pl.read_parquet(local(labelled.curves_file(KEY)), hive_partitioning=False)
    assert dict(curve_part.schema) == {column.name: POLARS_TYPES[column.type] for column in CURVE_COLUMNS}
    part = pl.read_parquet(local(labelled.labels_file(KEY)), hive_partitioning=False)
    assert dict(part.schema) == {column.name: POLARS_TYPES[column.type] for column in LABEL_COLUMNS}
    assert part["rollout_id"].to_list() == [f"set2/{index:06d}" for index in range(4, 8)]
    for row in part.iter_rows(named=True):
        tokens = read_rollout(KEY, labelled, row["rollout_index"])
        rule = draw_rule(Population(2), row["rollout_index"])
        flip = flip_in_the_middle(rule)
        replica = simulate(rule, centroids, REPLICA_FRAMES, flip=flip)
        metrics, curves = measure(tokens, measure_damage(tokens, replica, flip), measure_states(rule, centroids))
        assert metrics.items() <= row.items()
        stored = curve_part.row(by_predicate=pl.col("rollout_index") == row["rollout_index"], named=True)
        assert {name: values.tolist() for name, values in vars(curves).items()}.items() <= stored.items()
        assert tokens.shape == (row["frames"], row["height"], row["width"])
        scalars = rule.scalars
        assert (row["family"], row["start"]) == (scalars.family, rule.start.kind)
        assert row["residual_scale"] == 2.0**-scalars.residual_shift
        assert row["leak"] == scalars.leak / 64
        assert row["noise"] == 255 / 2**scalars.noise_shift


def test_labelling_again_gives_the_same_digest(labelled: DataFolder, resources: Resources) -> None:
    seen = []
    first = write_labels(KEY, labelled, resources, lambda done, total: seen.append((done, total)))
    assert write_labels(KEY, labelled, resources).digest == first.digest
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def other_bytes(members: Members) -> None:
    members["rollout_000005"] = members["rollout_000005"] ^ 1


def a_missing_member(members: Members) -> None:
    del members["rollout_000005"]


def a_token_beyond_the_vocabulary(members: Members) -> None:
    members["rollout_000005"][3, 2, 1] = 32


def too_few_frames(members: Members) -> None:
    members["rollout_000005"] = members["rollout_000005"][:-1]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (other_bytes, "differs from its digest in the manifest"),
        (a_missing_member, "is missing"),
        (a_token_beyond_the_vocabulary, "holds token 32, beyond 31"),
        (too_few_frames, r"is \(139, \d+, \d+\), not \(140, "),
    ],
)
def test_a_damaged_rollout_is_named_and_the_old_parts_stay(
    labelled: DataFolder, resources: Resources, spoil: Callable[[Members], None], complaint: str
) -> None:
    before = parts(labelled)
    file = labelled.tokens_file(KEY)
    with np.load(local(file), allow_pickle=False) as shard:
        members = dict(shard)
    spoil(members)
    np.savez_compressed(local(file), allow_pickle=False, **members)
    with pytest.raises(NcaError, match=rf"shard_00001\.npz: rollout_000005 {complaint}") as caught:
        write_labels(KEY, labelled, resources)
    assert "materialize partition set2-00001 of rollout_shards again" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert parts(labelled) == before


@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.99])
def test_a_truncated_shard_is_named_and_the_old_parts_stay(
    labelled: DataFolder, resources: Resources, share: float
) -> None:
    before = parts(labelled)
    file = labelled.tokens_file(KEY)
    os.truncate(local(file), int(file.stat().st_size * share))
    with pytest.raises(NcaError, match=r"shard_00001\.npz is damaged \(.*materialize partition set2-00001") as caught:
        write_labels(KEY, labelled, resources)
    assert "\n" not in str(caught.value)
    assert parts(labelled) == before


def parts(labelled: DataFolder) -> list[bytes]:
    return [labelled.labels_file(KEY).read_bytes(), labelled.curves_file(KEY).read_bytes()]


def test_a_shard_that_was_never_made_is_named(labelled: DataFolder, resources: Resources) -> None:
    with pytest.raises(NcaError, match="materialize partition set3-00002 of rollout_shards"):
        write_labels(ShardKey("set3", 2), labelled, resources)
