"""The order of an epoch: every sample once, many rules a batch, and the same on every machine."""

import hashlib
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.loading.order import MIXED, Blocks, Order

# (set, index, shard, frames, height, width): five grids, and frames that differ
PLACES = np.array([[1, i, i // 50, 140 + 20 * (i % 64 < 32), 8 + i // 32 % 5, 9] for i in range(200)])


def order(places: np.ndarray = PLACES, **changes: object) -> Order:
    blocks = Blocks.of(places)
    starts = blocks.frames - 130
    batch_size = np.full(len(starts), changes.pop("batch_size", 64))
    options: dict = {"seed": 3, "epoch": 0, "shuffle": True, "rollouts_open": 96, "drop_last": False} | changes
    return Order(blocks, starts, options.pop("samples", starts), batch_size, **options)


def batches(ordered: Order) -> list[list[tuple[int, int]]]:
    """The samples of each batch: position, start."""
    bundles = [ordered.bundle(number) for number in range(ordered.bundles)]
    taken = []
    for segment in range(ordered.segments):
        for bundle, stack, number in ordered.segment(segment):
            deck = bundles[bundle][stack]
            chosen = slice(number * deck.batch_size, (number + 1) * deck.batch_size)
            positions = deck.position[deck.slot[chosen]]
            taken.append(list(zip(positions.tolist(), deck.start[chosen].tolist(), strict=True)))
    return taken


def test_blocks_are_of_one_shard_and_one_shape() -> None:
    blocks = Blocks.of(PLACES[:200])
    assert blocks.first.tolist() == [0, 32, 50, 64, 96, 100, 128, 150, 160, 192]
    assert blocks.size.sum() == 200


@given(st.integers(1, 500), st.integers(1, 300), st.booleans(), st.integers(0, 5))
def test_every_sample_is_in_one_batch_of_its_grid(batch_size: int, opened: int, shuffle: bool, epoch: int) -> None:
    ordered = order(batch_size=batch_size, rollouts_open=opened, shuffle=shuffle, epoch=epoch)
    taken = batches(ordered)
    counts = Counter(sample for batch in taken for sample in batch)
    assert counts.keys() == {(row, start) for row in range(200) for start in range(PLACES[row, 3] - 130)}
    assert set(counts.values()) == {1}
    assert len(taken) == len(ordered)
    assert all(len({PLACES[position, 4] for position, _ in batch}) == 1 <= len(batch) <= batch_size for batch in taken)


@given(st.integers(1, 40), st.integers(0, 5))
def test_some_starts_of_every_rollout_may_be_taken_in_an_epoch(most: int, epoch: int) -> None:
    each = np.minimum(order().starts, most)
    taken = [sample for batch in batches(order(samples=each, epoch=epoch)) for sample in batch]
    assert len(set(taken)) == len(taken)
    rollouts = Counter(position for position, _ in taken)
    assert rollouts == {position: min(most, PLACES[position, 3] - 130) for position in range(200)}


@given(st.integers(1, 200))
def test_what_does_not_fill_a_batch_may_be_dropped(batch_size: int) -> None:
    whole = [len(batch) for batch in batches(order(batch_size=batch_size, drop_last=True))]
    assert set(whole) == {batch_size}
    assert len(whole) == sum(len(batch) == batch_size for batch in batches(order(batch_size=batch_size)))


def ideal_rules(rollouts: int, batch_size: int) -> float:
    """Rollouts in a batch drawn at random from all samples of so many."""
    return rollouts * (1 - (1 - 1 / rollouts) ** batch_size)


def test_a_batch_of_few_chosen_rollouts_has_as_many_rules_as_there_are() -> None:
    """One rollout in 16 of 64 blocks of each of five grids: two of a block."""
    blocks = np.arange(320)
    index = (blocks[:, None] * 32 + [3, 17]).ravel()
    places = np.column_stack([index * 0, index, index // 64, index * 0 + 500, 8 + index // 32 % 5, index * 0 + 9])
    rules = [len({position for position, _ in batch}) for batch in batches(order(places, rollouts_open=512))]
    assert np.mean(rules) >= 0.8 * ideal_rules(128, 64)
    assert min(rules[:-200]) >= 32


def test_no_more_rollouts_are_open_than_are_allowed() -> None:
    ordered = order(rollouts_open=96)
    sizes = [sum(len(stack.position) for stack in ordered.bundle(number)) for number in range(ordered.bundles)]
    assert sum(sizes) == 200
    assert max(sizes) < 96 // MIXED + 32


@given(st.integers(0, 10**6))
def test_any_step_is_found(step: int) -> None:
    ordered = order()
    step %= len(ordered) + 1
    segment, before = ordered.find(step)
    assert sum(len(ordered.segment(number)) for number in range(segment)) + before == step
    assert segment == ordered.segments or before < len(ordered.segment(segment))


def test_bundles_are_mixed() -> None:
    ordered = order(rollouts_open=8, batch_size=8)
    middle = [bundle for bundle, _, _ in ordered.segment(ordered.segments // 2)]
    assert len(set(middle)) == MIXED
    assert sum(a != b for a, b in pairwise(middle)) > len(middle) / 2


def test_slices_of_a_batch_are_of_few_rollouts() -> None:
    for batch in batches(order())[:50]:
        positions = [position for position, _ in batch]
        assert sum(a != b for a, b in pairwise(positions)) == len(set(positions)) - 1


def test_epochs_and_seeds_differ_and_no_shuffling_is_in_order() -> None:
    orders = [batches(order(epoch=epoch, seed=seed)) for epoch, seed in ((0, 3), (1, 3), (0, 4))]
    flat = [tuple(sample for batch in each for sample in batch) for each in orders]
    assert len(set(flat)) == 3
    plain = [sample for batch in batches(order(shuffle=False)) for sample in batch]
    assert plain == sorted(flat[0])


def test_the_order_is_the_same_on_every_machine() -> None:
    flat = np.array([sample for batch in batches(order()) for sample in batch], dtype="<i8")
    assert hashlib.sha256(flat.tobytes()).hexdigest() == GOLDEN


GOLDEN = "0df8fe68ad27e6cc89bb5b4ea11c95ef4f1f182981385e67d5da2358b19b867d"


def test_nothing_is_no_batch() -> None:
    empty = order(samples=np.zeros(len(order().starts), np.int64))
    assert len(empty) == 0
    assert replace(empty, drop_last=True).find(0) == (0, 0)
