"""Splits: the same in SQL and without a warehouse, and of the shares that they promise."""

from collections import Counter

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.automaton.population import FAMILY_SHARES
from nca_assets.data_folder import DataFolder
from nca_assets.ids import RolloutId
from nca_assets.loading.splits import split_of
from nca_assets.warehouse.answer import first_rows
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.catalog import BY_NAME

HELD_OUT_FAMILIES = ("domains", "breathers", "pulsing_gliders", "excitable", "lifelike")

rollouts = st.builds(RolloutId, st.sampled_from(["set1", "set2", "set3", "life"]), st.integers(0, 10**7))


@given(st.lists(rollouts, min_size=1, max_size=50))
def test_sql_and_python_agree(chosen: list[RolloutId]) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE labels AS SELECT unnest(?) AS rollout_id, 's' AS set_name, 8 AS height, 9 AS width, "
            "'static' AS behavior, NULL::VARCHAR AS family",
            [[str(rollout) for rollout in chosen]],
        )
        connection.execute(BY_NAME["splits"].sql)
        found = connection.execute("SELECT by_rollout, by_size, by_class, by_family FROM splits").fetchall()
    assert found == [(split_of(rollout), "train", split_of(rollout), split_of(rollout)) for rollout in chosen]


def test_shares_are_as_promised() -> None:
    counts = Counter(split_of(RolloutId("set1", index)) for index in range(20_000))
    assert abs(counts["train"] / 20_000 - 0.8) < 0.01
    assert abs(counts["test"] / 20_000 - 0.1) < 0.01


def test_a_quarter_of_the_rules_or_less_is_held_out() -> None:
    """And kin of the three largest groups stay in training."""
    shares = dict(FAMILY_SHARES)
    assert 0.2 <= sum(shares[name] for name in HELD_OUT_FAMILIES) / sum(shares.values()) <= 0.25
    assert not {"waves", "pulsing_breathers", "gliders"} & set(HELD_OUT_FAMILIES)


def test_sizes_classes_and_rules_are_held_out(labelled: DataFolder) -> None:
    build_warehouse(labelled)
    query = """
        SELECT by_size, greatest(height, width), by_class, behavior, by_family, family, by_rollout
        FROM splits JOIN labels USING (rollout_id)
    """
    rows = first_rows(query, labelled, 100)[1]
    assert len(rows) == 8
    for by_size, side, by_class, behavior, by_family, family, by_rollout in rows:
        assert by_size == ("train" if side <= 24 else "validation" if side <= 32 else "test")
        assert by_class == ("held_out" if behavior in ("rhythmic", "streaming", "translating") else by_rollout)
        assert by_family == ("held_out" if family in HELD_OUT_FAMILIES else by_rollout)
