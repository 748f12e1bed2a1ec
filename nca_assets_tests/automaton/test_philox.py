"""Philox4x32-10 is the published generator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.automaton.philox import draw_words, fill_words
from nca_assets_tests.automaton import integer_philox
from nca_assets_tests.automaton.rules import word

# From kat_vectors of the Random123 distribution (Salmon et al. 2011): counter, key, result.
PUBLISHED = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def filled(counter: tuple[int, int, int, int], key: tuple[int, int]) -> list[int]:
    stream, step, cell, block = counter
    words = np.empty((4, 1), dtype=np.uint32)
    fill_words(words, np.array([cell], dtype=np.uint32), 0, key[0], key[1], stream, step, block)
    return words[:, 0].tolist()


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED)
def test_known_answers(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, int, int, int]
) -> None:
    assert filled(counter, key) == integer_philox.philox(counter, key) == list(expected)


@given(counter=st.tuples(word, word, word, word), key=st.tuples(word, word))
def test_equals_plain_integers(counter: tuple[int, int, int, int], key: tuple[int, int]) -> None:
    assert filled(counter, key) == integer_philox.philox(counter, key)


@given(key=st.tuples(word, word), stream=word, step=word, cells=st.integers(1, 70), block=word)
def test_words_are_drawn_for_one_cell_after_the_other(
    key: tuple[int, int], stream: int, step: int, cells: int, block: int
) -> None:
    words = draw_words(key, stream, step, cells, block)
    assert words.dtype == np.uint32
    expected = [integer_philox.philox((stream, step, cell, block), key) for cell in range(cells)]
    assert words.tolist() == expected


def test_words_may_be_filled_from_any_cell_on() -> None:
    words = np.empty((4, 3), dtype=np.uint32)
    fill_words(words, np.arange(10, dtype=np.uint32), 5, 1, 2, 4, 7, 0)
    np.testing.assert_array_equal(words.T, draw_words((1, 2), 4, 7, 10)[5:8])
