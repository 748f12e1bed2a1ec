"""Arrays of ``.npz`` files: any that NumPy writes are read as NumPy reads them, also when several threads read."""

import gc
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from nca_assets.shards import archive
from nca_assets.shards.archive import Archive, read_array, read_tokens

TOKENS = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)


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


def saved(folder: Path, array: np.ndarray, version: Any = None, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(folder / "a.npz", "w", compression) as made, made.open("a.npy", "w") as npy:
        np.lib.format.write_array(npy, array, version)
    return folder / "a.npz"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.usefixtures("threads_change_everywhere")
def test_arrays_read_in_many_threads_are_read_right(tmp_path: Path, order: Literal["C", "F"]) -> None:
    """Here NumPy's own reading of headers fails in some 3 of 100 with Python 3.11."""
    file = saved(tmp_path, TOKENS.copy(order))

    def read() -> None:
        Garbage()
        np.testing.assert_array_equal(read_tokens(file, "a"), TOKENS)

    with ThreadPoolExecutor(4) as pool:
        for read_once in [pool.submit(read) for _ in range(1000)]:
            read_once.result()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "?", "<i8", ">u2"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_tokens_of_any_type_order_and_version_are_read(
    tmp_path: Path, order: Literal["C", "F"], dtype: str, version: tuple[int, int]
) -> None:
    array = TOKENS.astype(dtype).copy(order)
    tokens = read_tokens(saved(tmp_path, array, version), "a")
    np.testing.assert_array_equal(tokens, array)
    assert tokens.dtype == np.uint8
    assert tokens.flags.c_contiguous
    assert tokens.flags.writeable


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_of_any_compression_are_read(tmp_path: Path, compression: int) -> None:
    file = saved(tmp_path, TOKENS, compression=compression)
    with Archive(file) as opened:
        assert opened.names == ["a"]
    np.testing.assert_array_equal(read_array(file, "a"), TOKENS)


def test_headers_that_numpy_does_not_write_but_reads_are_read(tmp_path: Path) -> None:
    header = b"{'shape': (3, 4, 5), 'fortran_order': False, 'descr': '|u1'}"
    header += b" " * (128 - 10 - 1 - len(header)) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as made:
        made.writestr("a.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + TOKENS.tobytes())
    np.testing.assert_array_equal(read_tokens(tmp_path / "a.npz", "a"), TOKENS)


def test_a_pass_over_an_array_of_four_axes_inflates_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = np.random.default_rng(0).integers(0, 9, (5, 3, 4, 5))
    file = saved(tmp_path, batch)
    inflated: list[str] = []
    read = archive.read_array
    monkeypatch.setattr(archive, "read_array", lambda file, name: inflated.append(name) or read(file, name))
    with ThreadPoolExecutor(4) as pool:
        rollouts = list(pool.map(lambda position: read_tokens(file, "a", position), range(5)))
    np.testing.assert_array_equal(rollouts, batch)
    rollouts[0][:] = 0
    np.testing.assert_array_equal(read_tokens(file, "a", 0), batch[0])
    assert inflated == ["a"]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 4, 5)), r"is float64 \(3, 4, 5\), not integers"),
        (np.zeros((12, 5), np.uint8), r"is uint8 \(12, 5\), not integers \(T, H, W\)"),
        (np.full((3, 4, 5), 256), "holds 256 to 256, beyond tokens 0 to 255"),
        (np.full((3, 4, 5), -1), "holds -1 to -1, beyond tokens"),
    ],
)
def test_what_is_no_rollout_is_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_tokens(saved(tmp_path, array), "a")
