"""What can happen to a file, and to which files of the tests' data folder it happens."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
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


def targets(data: DataFolder) -> dict[str, Target]:
    """By kind, files of different partitions; nothing happens to shard set1-00000."""
    sound, life = ShardKey("set1", 0), (ShardKey("life", 0), ShardKey("life", 1))
    tokens, manifest, labels = (ShardKey("set1", number) for number in (1, 2, 3))
    curves, sums = (ShardKey("set2", number) for number in (0, 1))
    history = sorted(local(data / "history").iterdir())
    collections = local(data / "collections")
    return {
        "tokens": Target(local(data.tokens_file(tokens)), local(data.tokens_file(sound)), str(tokens)),
        "manifest": Target(local(data.manifest_file(manifest)), local(data.manifest_file(sound)), str(manifest)),
        "labels": Target(local(data.labels_file(labels)), local(data.labels_file(sound)), str(labels)),
        "curves": Target(local(data.curves_file(curves)), local(data.curves_file(sound)), str(curves)),
        "sums": Target(local(data.curve_sums_file(sums)), local(data.curve_sums_file(sound)), str(sums)),
        "imported": Target(local(data.manifest_file(life[1])), local(data.manifest_file(life[0])), str(life[1])),
        "collection": Target(collections / "b" / "v0001.parquet", collections / "a" / "v0001.parquet", "b"),
        "history": Target(history[0], history[1]),
        "scores": Target(local(data.scores_file), history[1]),
    }


RECORDED = {"tokens", "manifest", "labels", "curves", "sums"}
"""The kinds of which other files tell that they must be there."""
