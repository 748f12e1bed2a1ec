"""Streams of sequences: consecutive frames of one rollout each, in an order that only the seed decides."""

from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.loading.readers import read_recipes
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.splits import split_of
from nca_assets.sequences.stream import Sequence, Sequences
from nca_assets.sequences.text import gzip_ratio

LENGTH = 2000


def texts(sequences: Sequences, epoch: int = 0) -> list[bytes]:
    return [sequence.text.tobytes() for sequence in sequences.epoch(epoch)]


@pytest.mark.parametrize("unit", ["cell", "pair", "patch"])
def test_a_sequence_is_a_span_of_one_rollout(source: RolloutSource, unit: Any) -> None:
    sequences = Sequences(source, unit, 4000, spans=2)
    for sequence in sequences.epoch():
        assert sequence.text.shape == (4000,)
        assert sequence.text[0] == sequences.alphabet.sequence
        frames = sequences.alphabet.decode(sequence.text)
        assert len(frames) >= 2
        np.testing.assert_array_equal(frames, source[sequence.position].tokens[sequence.start :][: len(frames)])


def test_all_spans_cover_a_rollout_without_overlap(source: RolloutSource) -> None:
    sequences = Sequences(source, "pair", LENGTH)
    per_frame = sequences.alphabet.frame_length(*source[0].tokens.shape[1:])
    each = -(-(LENGTH - 1) // per_frame)
    starts = sorted(sequence.start for sequence in sequences.epoch() if sequence.position == 0)
    assert starts == list(range(0, 140 - each + 1, each))


def test_every_epoch_has_another_order_and_other_spans(source: RolloutSource) -> None:
    sequences = Sequences(source, length=LENGTH, spans=1)
    first, second = ([(s.position, s.start) for s in sequences.epoch(epoch)] for epoch in (0, 1))
    positions = [position for position, _ in first]
    assert sorted(positions) == sequences.positions.tolist() == sorted(position for position, _ in second)
    assert positions != sorted(positions)
    assert positions != [position for position, _ in second]
    assert set(first) != set(second)
    assert texts(sequences) == texts(replace(sequences))
    assert texts(sequences) != texts(replace(sequences, seed=1))


def test_the_stream_goes_on_with_the_next_epoch(source: RolloutSource) -> None:
    sequences = Sequences(source, length=LENGTH, spans=1)
    number = len(sequences.positions)
    read = [text.tobytes() for text in islice(sequences, 2 * number)]
    assert read == texts(sequences, 0) + texts(sequences, 1)


def test_files_unpacked_files_and_recipes_give_the_same(shards: DataFolder, source: RolloutSource) -> None:
    others = [source.unpacked(), RolloutSource(source.table, read_recipes, shards)]
    for shuffled in (False, True):
        expected = texts(Sequences(source, length=LENGTH, spans=2, shuffled=shuffled))
        assert all(texts(Sequences(other, length=LENGTH, spans=2, shuffled=shuffled)) == expected for other in others)


def test_the_control_has_the_same_tokens_without_their_order(source: RolloutSource) -> None:
    ordered = Sequences(source, length=LENGTH, spans=2)
    changed = 0
    for one, other in zip(ordered.epoch(), replace(ordered, shuffled=True).epoch(), strict=True):
        assert (one.position, one.start) == (other.position, other.start)
        assert Counter(one.text.tolist()) == Counter(other.text.tolist())
        delimiters = one.text >= ordered.alphabet.row
        np.testing.assert_array_equal(one.text[delimiters], other.text[delimiters])
        changed += (one.text != other.text).any()
    assert changed > 10


def test_each_sequence_of_a_control_is_shuffled_in_its_own_way(source: RolloutSource) -> None:
    """Else a model could learn the one permutation."""
    sequences = Sequences(source, "cell", LENGTH)
    texts = np.tile(np.arange(LENGTH, dtype=np.uint16) % 32, (2, 1))
    sequences._shuffle_cells(texts, [0, 5], 0, 0)
    assert (texts[0] != texts[1]).any()


def test_spans_are_chosen_by_complexity(source: RolloutSource) -> None:
    def complexity(sequence: Sequence) -> float:
        return gzip_ratio(np.asarray(source[sequence.position].tokens[sequence.start :][:each]))

    every = Sequences(source.take([0, 1, 2, 3]), "pair", LENGTH)
    each = max(10, -(-(LENGTH - 1) // every.alphabet.frame_length(*source[0].tokens.shape[1:])))
    measured = {(one.position, one.start): complexity(one) for one in every.epoch()}
    least, most = np.quantile(list(measured.values()), [0.3, 0.7])
    chosen = {(one.position, one.start) for one in replace(every, complexity=(least, most)).epoch()}
    assert chosen == {span for span, value in measured.items() if least <= value <= most}
    assert 0 < len(chosen) < len(measured)


def test_a_split_has_its_rollouts_only(source: RolloutSource) -> None:
    ids = source.ids
    train = {sequence.position for sequence in Sequences(source, length=LENGTH, spans=1, split="train").epoch()}
    every = {sequence.position for sequence in Sequences(source, length=LENGTH, spans=1).epoch()}
    assert train == {position for position in every if split_of(ids[position]) == "train"} != every


def test_large_grids_and_short_rollouts_are_left_out(source: RolloutSource) -> None:
    largest = Sequences(source, "cell").alphabet.frame_length(*source.places[:, 4:].max(axis=0))
    areas = source.places[:, 4] * source.places[:, 5]
    left = Sequences(source, "cell", 1 + 2 * largest - 1).positions
    assert 0 < len(left) < len(source)
    assert areas[left].max() < areas.max()
    with pytest.raises(NcaError, match="no rollout fits sequences of 100 tokens: choose smaller grids"):
        Sequences(source, "cell", 100)
    with pytest.raises(NcaError, match="no rollout fits sequences of 10000000 tokens"):
        Sequences(source, "cell", 10_000_000)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"spans": 0}, "0 spans of a rollout are too few"),
        ({"seed": -1}, "seed -1 is out of range"),
        ({"split": "val"}, "there is no split 'val': use train, validation, test"),
        ({"unit": "word"}, "can't be 'word'"),
    ],
)
def test_wrong_options_are_said_at_once(source: RolloutSource, options: Any, said: str) -> None:
    with pytest.raises(NcaError, match=said):
        Sequences(source, **options)


def test_a_stream_without_any_sequence_does_not_hang(source: RolloutSource) -> None:
    with pytest.raises(NcaError, match=r"no span has a complexity within \(2.0, 3.0\)"):
        next(iter(Sequences(source, length=LENGTH, complexity=(2.0, 3.0))))
