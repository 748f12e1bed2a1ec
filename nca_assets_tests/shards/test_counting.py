"""Tokens are counted alike, however a rollout lies in memory."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from nca_assets.shards.counting import token_counts


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (50, 8, 9)])
@pytest.mark.parametrize(
    "laid", [np.ascontiguousarray, np.asfortranarray, lambda tokens: np.repeat(tokens, 2, axis=0)[::2]]
)
def test_every_token_is_counted(
    shape: tuple[int, int, int], laid: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> None:
    tokens = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    assert token_counts(laid(tokens)).tolist() == np.bincount(tokens.ravel(), minlength=256).tolist()
