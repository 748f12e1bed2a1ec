"""Reading single rollouts from ``.npz`` files, at twice the speed of NumPy and from any thread."""

from __future__ import annotations

import io
import os
import re
import struct
import zipfile
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from isal import isal_zlib
from llvmlite import ir
from numba import types
from numpy.typing import NDArray

from nca_assets.automaton.jit import compiled, emitted
from nca_assets.store.ranges import RangedObject

LOCAL_HEADER = 30
"""Bytes of a ZIP member's own header, before its name; the lengths of name and extra field are its last four."""

GZIP = b"\x1f\x8b\x08\0\0\0\0\0\0\0"
"""The header of a file of gzip, without a name."""

UTF8, ENCRYPTED = 0x800, 0x1
"""Flags of a ZIP member."""

HEADER = re.compile(
    rb"\x93NUMPY(?:\x01\x00..|[\x02\x03]\x00....)\{'descr': '(?P<dtype>[^']+)', 'fortran_order': "
    rb"(?P<time_fastest>True|False), 'shape': \((?P<axes>[\d, ]+)\), \} *\n",
    re.DOTALL,
)
"""The start of an ``.npy`` file. NumPy reads it with Python's parser, which occasionally fails when several threads
parse at once (Python issue 106905)."""

PARSER, LAST_ARRAY = Lock(), Lock()

ArrayFile = Path | RangedObject
"""A local file, or an object of which only the bytes that are read are fetched."""

MAX_TOKENS = 256

TILE = 64
"""Frames of a tile: a line of the cache."""

WORD = 8
"""Bytes that are turned at once."""


class Archive:
    """An ``.npz`` that is open, for one thread; ``version`` is when its file was changed, and its size."""

    def __init__(self, file: ArrayFile) -> None:
        self.file, self._opened = file, file.open("rb")
        try:
            self.version = (0, file.size) if isinstance(file, RangedObject) else _version(self._opened.fileno())
            self._members = _directory(file, *self.version)
        except BaseException:
            self._opened.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def names(self) -> list[str]:
        """The names of the arrays."""
        return [name.removesuffix(".npy") for name in self._members]

    def tokens(self, key: str, position: int | None = None) -> NDArray[np.uint8]:
        """The rollout in array ``key``, or in entry ``position`` of that array, in C order.

        Raises ``ValueError`` if the array does not hold tokens, and errors of many types if the archive is damaged.
        """
        if position is None:
            return np.require(as_tokens(self.array(key)), requirements=("C", "W"))
        # Deflated data can only be read from the start. The last array of four axes is cached, so that a pass over its
        # rollouts inflates it once, and the lock keeps threads from inflating it several times.
        with LAST_ARRAY:
            rollouts = _last_array(self.file, *self.version, key)
        return rollouts[position].copy()

    def array(self, key: str) -> NDArray[Any]:
        """Array ``key``, of any dtype, axes and order."""
        npy = self._inflated(f"{key}.npy")
        header = HEADER.match(npy)
        dtype = np.dtype(header["dtype"].decode() if header else object)
        if header is None or dtype.hasobject:
            with PARSER:
                return np.lib.format.read_array(io.BytesIO(npy), allow_pickle=False)
        shape = tuple(int(axis) for axis in header["axes"].split(b",") if axis.strip())
        order = "F" if header["time_fastest"] == b"True" else "C"
        return np.frombuffer(npy, dtype, offset=header.end()).reshape(shape, order=order)

    def _inflated(self, name: str) -> bytes:
        """The content of a member, read at once: what changes threads often is slow beside others."""
        member, opened = self._members[name], self._opened
        if member.flag_bits & ENCRYPTED or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            with zipfile.ZipFile(opened) as archive:
                return archive.read(member)
        encoded = name.encode("utf-8" if member.flag_bits & UTF8 else "cp437")
        opened.seek(member.header_offset)
        block = opened.read(LOCAL_HEADER + len(encoded) + len(member.extra) + member.compress_size)
        length_of_name, length_of_extra = struct.unpack_from("<HH", block, LOCAL_HEADER - 4)
        if block[LOCAL_HEADER : LOCAL_HEADER + length_of_name] != encoded:
            raise ValueError("another member is in its place")
        begin = LOCAL_HEADER + length_of_name + length_of_extra
        block += opened.read(max(0, begin + member.compress_size - len(block)))
        content = memoryview(block)[begin : begin + member.compress_size]
        if member.compress_type == zipfile.ZIP_STORED:
            if len(content) != member.file_size or isal_zlib.crc32(content) != member.CRC:
                raise ValueError("wrong checksum")
            return bytes(content)
        # As a file of gzip, so that one call inflates and checks.
        trailer = struct.pack("<II", member.CRC, member.file_size % 2**32)
        return isal_zlib.decompress(b"".join((GZIP, content, trailer)), 31, member.file_size)


def read_tokens(file: ArrayFile, key: str, position: int | None = None) -> NDArray[np.uint8]:
    """``Archive.tokens`` of ``file``."""
    with Archive(file) as archive:
        return archive.tokens(key, position)


def read_array(file: ArrayFile, key: str) -> NDArray[Any]:
    """``Archive.array`` of ``file``."""
    with Archive(file) as archive:
        return archive.array(key)


def as_tokens(array: NDArray[Any]) -> NDArray[np.uint8]:
    """``array``, of integers or booleans in any order, as uint8 in C order.

    Raises ``ValueError`` if its axes are not (T, H, W) or (N, T, H, W), or its values are not tokens.
    """
    if array.ndim not in (3, 4) or array.dtype.kind not in "biu":
        raise ValueError(f"is {array.dtype} {array.shape}, not integers (T, H, W) or (N, T, H, W)")
    if array.dtype != np.uint8 and array.size and not 0 <= array.min() <= array.max() < MAX_TOKENS:
        raise ValueError(f"holds {array.min()} to {array.max()}, beyond tokens 0 to {MAX_TOKENS - 1}")
    if array.dtype != np.uint8 or array.ndim == 4 or array.flags.c_contiguous or not array.flags.f_contiguous:
        return np.ascontiguousarray(array, np.uint8)
    turned = np.empty(array.shape, np.uint8)
    _turn(array.T, turned)
    return turned


@lru_cache(maxsize=1)
def _last_array(file: ArrayFile, _time: int, _size: int, key: str) -> NDArray[np.uint8]:
    return as_tokens(read_array(file, key))


@lru_cache(maxsize=16)
def _directory(file: ArrayFile, _time: int, _size: int) -> dict[str, zipfile.ZipInfo]:
    """The members of ``file``, cached until it changes."""
    with file.open("rb") as opened, zipfile.ZipFile(opened) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise ValueError("several members have the same name")
        return members


def _version(descriptor: int) -> tuple[int, int]:
    stat = os.fstat(descriptor)
    return stat.st_mtime_ns, stat.st_size


@emitted
def _load(_context, address):  # noqa: ARG001
    """The eight bytes at an address, as one number."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        return builder.load(builder.inttoptr(arguments[0], word.as_pointer()), align=1, typ=word)

    return types.uint64(types.intp), generate


@emitted
def _store(_context, address, value):  # noqa: ARG001
    """Write eight bytes to an address."""

    def generate(target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        address, value = arguments
        builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=1)
        return target.get_dummy_value()

    return types.void(types.intp, types.uint64), generate


@compiled
def _turn(source, target):
    """Transpose (width, height, frames) to (frames, height, width), in tiles that stay in the cache.

    Tiles of eight columns and eight frames are turned in registers; the last ones of a row overlap those before them.
    """
    width, height, frames = source.shape
    if width < WORD or frames < WORD:
        for y in range(height):
            for x in range(width):
                for t in range(frames):
                    target[t, y, x] = source[x, y, t]
        return
    across, down = height * frames, height * width
    for first_frame in range(0, frames, TILE):
        for y in range(height):
            for left in range(0, width, WORD):
                x = min(left, width - WORD)
                for early in range(first_frame, min(first_frame + TILE, frames), WORD):
                    t = min(early, frames - WORD)
                    begin = source.ctypes.data + x * across + y * frames + t
                    _turn_tile(begin, across, target.ctypes.data + t * down + y * width + x, down)


@compiled
def _turn_tile(begin, across, to, down):
    """Transpose 8 x 8 bytes: rows ``across`` bytes apart from address ``begin`` on, to rows ``down`` bytes apart.

    Halves of blocks of four, two and one bytes change places (Warren, "Hacker's Delight", 7-3).
    """
    a, b = _load(begin), _load(begin + across)
    c, d = _load(begin + 2 * across), _load(begin + 3 * across)
    e, f = _load(begin + 4 * across), _load(begin + 5 * across)
    g, h = _load(begin + 6 * across), _load(begin + 7 * across)
    a, e = _swapped(a, e, 32, 0x00000000FFFFFFFF)
    b, f = _swapped(b, f, 32, 0x00000000FFFFFFFF)
    c, g = _swapped(c, g, 32, 0x00000000FFFFFFFF)
    d, h = _swapped(d, h, 32, 0x00000000FFFFFFFF)
    a, c = _swapped(a, c, 16, 0x0000FFFF0000FFFF)
    b, d = _swapped(b, d, 16, 0x0000FFFF0000FFFF)
    e, g = _swapped(e, g, 16, 0x0000FFFF0000FFFF)
    f, h = _swapped(f, h, 16, 0x0000FFFF0000FFFF)
    a, b = _swapped(a, b, 8, 0x00FF00FF00FF00FF)
    c, d = _swapped(c, d, 8, 0x00FF00FF00FF00FF)
    e, f = _swapped(e, f, 8, 0x00FF00FF00FF00FF)
    g, h = _swapped(g, h, 8, 0x00FF00FF00FF00FF)
    _store(to, a)
    _store(to + down, b)
    _store(to + 2 * down, c)
    _store(to + 3 * down, d)
    _store(to + 4 * down, e)
    _store(to + 5 * down, f)
    _store(to + 6 * down, g)
    _store(to + 7 * down, h)


@compiled
def _swapped(one, other, bits, mask):
    """Two words, with the upper halves of ``one``'s blocks and the lower ones of ``other``'s exchanged."""
    shift, mask = np.uint64(bits), np.uint64(mask)
    change = ((one >> shift) ^ other) & mask
    return one ^ (change << shift), other ^ change
