"""What happens to files: bits flip, ends are lost, files are emptied, exchanged, removed, or become folders."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

Fault = Callable[[Path, Sequence[Path], random.Random], None]
"""Does something to a file; the others are of its kind."""


def flip(file: Path, _: Sequence[Path], chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    restore(file, bytes(content))


def garble(file: Path, _: Sequence[Path], chance: random.Random) -> None:
    """A few bytes in a row become others."""
    content = bytearray(file.read_bytes())
    begin = chance.randrange(len(content) + 1)
    content[begin : begin + chance.randint(1, 16)] = chance.randbytes(chance.randint(1, 16))
    restore(file, bytes(content))


def erase(file: Path, _: Sequence[Path], chance: random.Random) -> None:
    """A block becomes zeros, as on a disk that lost it."""
    content = bytearray(file.read_bytes())
    begin = chance.randrange(len(content) + 1) // 512 * 512
    end = min(begin + 4096, len(content))
    content[begin:end] = bytes(end - begin)
    restore(file, bytes(content))


def cut(file: Path, _: Sequence[Path], chance: random.Random) -> None:
    content = file.read_bytes()
    restore(file, content[: chance.randrange(len(content) + 1)])


def lengthen(file: Path, _: Sequence[Path], chance: random.Random) -> None:
    restore(file, file.read_bytes() + chance.randbytes(chance.randint(1, 100)))


def empty(file: Path, _: Sequence[Path], __: random.Random) -> None:
    restore(file, b"")


def zeros(file: Path, _: Sequence[Path], __: random.Random) -> None:
    restore(file, bytes(file.stat().st_size))


def exchange(file: Path, others: Sequence[Path], chance: random.Random) -> None:
    """It has the content of another of its kind."""
    if there := [other for other in others if other != file]:
        restore(file, chance.choice(there).read_bytes())


def remove(file: Path, _: Sequence[Path], __: random.Random) -> None:
    file.unlink()


def folder(file: Path, _: Sequence[Path], __: random.Random) -> None:
    file.unlink()
    file.mkdir()


def loop(file: Path, _: Sequence[Path], __: random.Random) -> None:
    """A link to itself, which nobody can open, whatever their rights."""
    file.unlink()
    file.symlink_to(file)


IN_PLACE: tuple[Fault, ...] = (flip, flip, flip, garble, garble, erase, cut, lengthen, exchange)
"""Faults that leave a file with some content; the commonest more than once."""

ALL: tuple[Fault, ...] = (flip, flip, garble, erase, cut, empty, zeros, exchange, remove, folder, loop)


def restore(file: Path, content: bytes) -> None:
    """Give ``file`` this content, as a new file, which caches tell from the old one."""
    file.unlink(missing_ok=True)
    file.write_bytes(content)
