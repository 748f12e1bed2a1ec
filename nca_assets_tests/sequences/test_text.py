"""Frames as text: every token has a meaning that can be told by hand, and the text alone restores the frames."""

import gzip
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nca_assets.errors import NcaError
from nca_assets.sequences.text import Alphabet, gzip_ratio

FRAME = np.array([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]], dtype=np.uint8)

FRAMES = st.tuples(st.integers(1, 4), st.integers(2, 7), st.integers(2, 7)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 31))
)

UNITS = st.sampled_from(["cell", "pair", "patch"])


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("cell", [1, 2, 3, 32, 4, 5, 6, 32, 7, 8, 9, 33]),
        ("pair", [34, 1027, 1056, 133, 1030, 1056, 232, 1033, 1057]),
        ("patch", [34, 133, 1027, 1030, 1056, 232, 1033, 1057]),
    ],
)
def test_a_frame_is_spelled_row_by_row(unit: Any, text: list[int]) -> None:
    """Pairs are 32 x left + right, the last cell of an odd row is 1,024 + cell, and delimiters come after these."""
    assert Alphabet(unit).encode(FRAME).tolist() == [text]


@given(FRAMES, UNITS)
def test_nothing_is_lost(frames: np.ndarray, unit: Any) -> None:
    alphabet = Alphabet(unit)
    text = alphabet.encode(frames)
    assert text.shape == (len(frames), alphabet.frame_length(*frames.shape[1:]))
    assert text.dtype == np.uint16
    assert text.max() < alphabet.size
    whole = np.array([alphabet.sequence, *text.ravel()], dtype=np.uint16)
    np.testing.assert_array_equal(alphabet.decode(whole), frames)


@given(FRAMES, UNITS, st.data())
def test_frames_that_are_cut_off_are_left_out(frames: np.ndarray, unit: Any, data: st.DataObject) -> None:
    """As in a window at a random place of a file."""
    alphabet = Alphabet(unit)
    text = np.tile(np.array([alphabet.sequence, *alphabet.encode(frames).ravel()], dtype=np.uint16), 2)
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, len(text)))
    window = text[start:stop]
    whole = {frame.tobytes() for frame in frames}
    read = alphabet.decode(window)
    assert {frame.tobytes() for frame in read} <= whole
    ends = int((window == alphabet.frame).sum())
    assert ends - 1 <= len(read) <= ends


def test_an_unknown_unit_is_refused() -> None:
    unknown: Any = "row"
    with pytest.raises(NcaError, match="can't be 'row': use one of cell, pair, patch"):
        Alphabet(unknown)


def test_tokens_of_larger_vocabularies_are_refused() -> None:
    """Imported sets may have up to 256."""
    with pytest.raises(NcaError, match="a rollout has token 32, but texts have 32"):
        Alphabet("pair").encode(FRAME + np.uint8(23))


def test_a_text_of_another_alphabet_is_refused() -> None:
    with pytest.raises(NcaError, match="rows of different lengths"):
        Alphabet("cell").decode(np.array([34, 1, 2, 32, 3, 33], dtype=np.uint16))


def test_complexity_is_that_of_gzip_over_patches() -> None:
    """Written out for two frames of 3 x 4 cells, whose last row is left out."""
    frames = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    patches = [[0, 1, 4, 5], [2, 3, 6, 7], [12, 13, 16, 17], [14, 15, 18, 19]]
    content = struct.pack("<4i", *(a + 32 * b + 32**2 * c + 32**3 * d for a, b, c, d in patches))
    assert gzip_ratio(frames) == len(gzip.compress(content, 9)) / 16


def test_noise_is_more_complex_than_order() -> None:
    still = np.zeros((10, 12, 12), dtype=np.uint8)
    noise = np.random.default_rng(0).integers(0, 32, still.shape, dtype=np.uint8)
    assert gzip_ratio(still) < 0.03
    assert 0.6 < gzip_ratio(noise) < 0.9
