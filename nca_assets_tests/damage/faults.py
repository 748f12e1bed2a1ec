"""What can happen to a file, and to which files of the tests' data folder it happens."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nca_assets.naming import ShardKey, scores_file
from nca_assets_tests.conftest import local


def half(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def zeros(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def deleted(file: Path) -> None:
    file.unlink()


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def flip(file: Path, chance: random.Random) -> None:
    file.write_bytes(flipped(file.read_bytes(), chance))


def flipped(content: bytes, chance: random.Random) -> bytes:
    """``content`` with one bit changed."""
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


FAULTS: dict[str, Callable[[Path], None]] = {f.__name__: f for f in (half, empty, zeros, deleted, folder)}


@dataclass(frozen=True)
class Target:
    """A file to spoil, a sound one of the same kind, and the partition that it is of, if any."""

    file: Path
    sound: Path
    partition: str = ""


def targets(data: Path) -> dict[str, Target]:
    """By kind, files of different partitions; nothing happens to shard set1-00000."""
    sound, life = ShardKey("set1", 0), (ShardKey("life", 0), ShardKey("life", 1))
    tokens, manifest, labels = (ShardKey("set1", number) for number in (1, 2, 3))
    curves, sums = (ShardKey("set2", number) for number in (0, 1))
    history = sorted((data / "history").iterdir())
    collections = data / "collections"
    return {
        "tokens": Target(local(tokens.tokens_file(data)), local(sound.tokens_file(data)), str(tokens)),
        "manifest": Target(local(manifest.manifest_file(data)), local(sound.manifest_file(data)), str(manifest)),
        "labels": Target(local(labels.labels_file(data)), local(sound.labels_file(data)), str(labels)),
        "curves": Target(local(curves.curves_file(data)), local(sound.curves_file(data)), str(curves)),
        "sums": Target(local(sums.curve_sums_file(data)), local(sound.curve_sums_file(data)), str(sums)),
        "imported": Target(local(life[1].manifest_file(data)), local(life[0].manifest_file(data)), str(life[1])),
        "collection": Target(collections / "b" / "v0001.parquet", collections / "a" / "v0001.parquet", "b"),
        "history": Target(history[0], history[1]),
        "scores": Target(local(scores_file(data)), history[1]),
    }


RECORDED = {"tokens", "manifest", "labels", "curves", "sums"}
"""The kinds of which other files tell that they must be there."""
