"""The recipe's mix, held to the figures on the original dataset's card: over 2,304 rollouts, from the shards to SQL."""

import pytest
import torch

from nca_assets.labels.write import write_labels
from nca_assets.naming import SETS, ShardKey
from nca_assets.settings import Settings
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import PROJECT

SHARDS, ROLLOUTS = 3, 256


@pytest.mark.long
def test_every_target_is_met_in_every_comparison_with_the_card(settings: Settings, centroids: torch.Tensor) -> None:
    settings = settings.model_copy(update={"frames": 500, "shard_size": ROLLOUTS})
    save_centroids(centroids, settings.data, "learned")
    for key in (ShardKey(name, number) for name in SETS for number in range(SHARDS)):
        write_shard(key, centroids, settings)
        write_labels(key, settings)
    build_warehouse(settings.data)
    with connect(settings.data) as connection:
        compared = connection.execute("SELECT statistic, ours, target, within_target FROM card_comparison").fetchall()
        change = connection.execute("SELECT avg(change_48_112) FROM labels GROUP BY ALL").fetchall()
        shares = connection.execute("SELECT behavior, percent FROM behavior_summary").fetchall()
    ours = {statistic: value for statistic, value, _, _ in compared}
    assert ours["rollouts"] == len(SETS) * SHARDS * ROLLOUTS >= 2000
    assert {statistic: (value, target) for statistic, value, target, within in compared if within is False} == {}
    assert sum(within is True for *_, within in compared) == 11
    assert 0.81 <= change[0][0] <= 0.85
    assert dict(shares).keys() >= {"translating", "periodic", "rhythmic", "settling", "chaotic", "complex", "drifting"}
    told = (PROJECT / "docs" / "CALIBRATION.md").read_text()
    assert [name for name, percent in shares if f"| {name} | {percent:.1f} % |" not in told] == []
    assert f"| 83.01 % | {ours['cells changed, t48 to t112']:.2f} % |" in told
    assert f"| 724.4 | {ours['mean cells per frame']:.1f} |" in told
