"""Philox4x32-10 is the published generator, on tensors of any shape."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.automaton.philox import draw_words, octets, philox4x32
from nca_assets_tests.automaton import integer_philox

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
word = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED)
def test_known_answers(counter: tuple[int, ...], key: tuple[int, int], expected: tuple[int, ...]) -> None:
    c0, c1, c2, c3 = (torch.tensor(c) for c in counter)
    assert tuple(int(w) for w in philox4x32((c0, c1, c2, c3), key)) == expected


@given(counter=st.tuples(word, word, word, word), key=st.tuples(word, word))
def test_equals_plain_integers(counter: tuple[int, int, int, int], key: tuple[int, int]) -> None:
    first, *rest = counter
    words = philox4x32((torch.tensor(first), rest[0], rest[1], rest[2]), key)
    assert [int(w) for w in words] == integer_philox.philox(counter, key)


def test_broadcasts_counters_and_keys() -> None:
    cells, indices = torch.arange(5), torch.tensor([[3], [4]])
    words = philox4x32((4, 7, cells, 0), (1, indices))
    assert all(w.shape == (2, 5) for w in words)
    assert [int(w[1, 2]) for w in words] == integer_philox.philox((4, 7, 2, 0), (1, 4))


def test_octets_are_low_first() -> None:
    words = tuple(torch.tensor([w]) for w in (0x04030201, 0xFFFFFFFE, 0, 0x80000000))
    assert octets(words)[0].tolist() == [1, 2, 3, 4, 0xFE, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0x80]


@given(key=st.tuples(word, word), stream=word, step=word, cells=st.integers(1, 70), block=word)
def test_the_compiled_text_gives_the_same_words(
    key: tuple[int, int], stream: int, step: int, cells: int, block: int
) -> None:
    words = draw_words(key, stream, step, cells, block)
    assert words.dtype == np.uint32
    expected = [integer_philox.philox((stream, step, cell, block), key) for cell in range(cells)]
    assert words.tolist() == expected
