"""The plan of an epoch: every sample once, bounded windows, and an order that no machine or library version changes."""

import hashlib
from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.loading.plan import Blocks, Plan, share

# (set, index, shard, frames, height, width)
PLACES = np.array([[1, i, i // 50, 140, 8 + i // 32, 9] for i in range(200)])


def plan(**changes: object) -> Plan:
    blocks = Blocks.of(PLACES)
    given: dict = {"batch_size": 64, "seed": 3, "epoch": 0, "shuffle": True, "blocks_open": 3} | changes
    return Plan(blocks, np.full(len(blocks.first), 28), **given)


def samples(plan: Plan, start: int = 0, stop: int = 10**9) -> list[tuple[int, int]]:
    return [
        (batch.block, sample)
        for window in plan.slice(start, stop)
        for batch in window
        for sample in plan.samples(batch.block)[batch.first : batch.stop].tolist()
    ]


def test_blocks_are_of_one_shard_and_one_shape() -> None:
    blocks = Blocks.of(PLACES)
    assert blocks.first.tolist() == [0, 32, 50, 64, 96, 100, 128, 150, 160, 192]
    assert blocks.size.sum() == 200


@given(st.integers(1, 500), st.integers(1, 20), st.booleans(), st.integers(0, 5))
def test_every_sample_is_in_one_batch(batch_size: int, blocks_open: int, shuffle: bool, epoch: int) -> None:
    planned = plan(batch_size=batch_size, blocks_open=blocks_open, shuffle=shuffle, epoch=epoch)
    blocks = planned.blocks
    counts = Counter(samples(planned))
    expected = {(b, s) for b in range(len(blocks.first)) for s in range(28 * blocks.size[b])}
    assert counts.keys() == expected
    assert set(counts.values()) == {1}
    assert len(planned) == sum(len(window) for window in planned.slice(0, 10**9))


@given(st.lists(st.integers(0, 100), max_size=4))
def test_stretches_join_to_the_whole(cuts: list[int]) -> None:
    planned = plan()
    ends = [0, *sorted(min(cut, len(planned)) for cut in cuts), len(planned)]
    parts = [samples(planned, start, stop) for start, stop in pairwise(ends)]
    assert [sample for part in parts for sample in part] == samples(planned)


def test_few_blocks_are_open_at_a_time() -> None:
    windows = [{batch.block for batch in window} for window in plan(blocks_open=3).slice(0, 10**9)]
    assert max(map(len, windows)) == 3
    assert sum(map(len, windows)) == 10


def test_batches_of_open_blocks_are_mixed() -> None:
    [first, *_] = plan(blocks_open=3).slice(0, 10**9)
    order = [batch.block for batch in first]
    assert sum(a != b for a, b in pairwise(order)) > len(order) / 3


def test_epochs_and_seeds_differ_and_no_shuffling_is_in_order() -> None:
    orders = [samples(plan(**change)) for change in ({}, {"epoch": 1}, {"seed": 4})]
    assert len({tuple(order) for order in orders}) == 3
    assert samples(plan(shuffle=False)) == sorted(samples(plan()))


def test_the_order_is_the_same_on_every_machine() -> None:
    order = np.array(samples(plan()), dtype="<i8")
    assert hashlib.sha256(order.tobytes()).hexdigest() == GOLDEN


GOLDEN = "84b810c7b5d1190f0f53b18d9957d6a11abd2536c97b0c0277b89f059288c96d"


@given(st.integers(0, 1000), st.integers(1, 20))
def test_shares_are_consecutive_and_almost_equal(total: int, parts: int) -> None:
    shares = [share(total, part, parts) for part in range(parts)]
    assert shares[0][0] == 0
    assert shares[-1][1] == total
    assert all(before[1] == after[0] for before, after in pairwise(shares))
    lengths = [stop - start for start, stop in shares]
    assert max(lengths) - min(lengths) <= 1
    assert lengths == sorted(lengths, reverse=True)
