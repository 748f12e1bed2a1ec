"""Reading rollouts in threads: what only shows when several parse at once."""

import gc
import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import pytest

from nca_assets.loading.readers import _time_first


class Garbage:
    """What the collector runs Python code for, and so may change threads anywhere, even within C code."""

    def __init__(self) -> None:
        self.myself = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


@pytest.fixture
def threads_change_everywhere() -> Iterator[None]:
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(7, 2, 2)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.usefixtures("threads_change_everywhere")
def test_arrays_read_in_many_threads_are_read_right(order: Literal["C", "F"]) -> None:
    """Here NumPy's own reading of headers fails in some 3 of 100 with Python 3.11."""
    tokens = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    npy = io.BytesIO()
    np.lib.format.write_array(npy, np.asarray(tokens, order=order))

    def read() -> None:
        Garbage()
        np.testing.assert_array_equal(_time_first(npy.getvalue(), tokens.shape), tokens)

    with ThreadPoolExecutor(4) as pool:
        for read_once in [pool.submit(read) for _ in range(1000)]:
            read_once.result()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 4, 6), np.uint8), r"uint8 \(3, 4, 6\), not uint8 \(3, 4, 5\)"),
        (np.zeros((3, 4, 5), np.int64), r"int64 \(3, 4, 5\), not uint8"),
        (np.zeros((12, 5), np.uint8), r"no \.npy file of three axes"),
    ],
)
def test_another_array_than_asked_is_refused(array: np.ndarray, message: str) -> None:
    npy = io.BytesIO()
    np.lib.format.write_array(npy, array)
    with pytest.raises(ValueError, match=message):
        _time_first(npy.getvalue(), (3, 4, 5))
