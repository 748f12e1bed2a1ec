"""Disks that fill up and processes that are killed, at any byte that is written; what was there before stays."""

from __future__ import annotations

import ctypes
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from nca_assets.data_folder import DataFolder
from nca_assets_tests.faults import forks
from nca_assets_tests.faults.world import World

SOURCE = Path(__file__).with_name("disk.c")

ENDLESS = 1 << 40

KILLED = -9


def compile_disk(folder: Path) -> Path:
    """The library that a process preloads to have a disk with an end."""
    library = folder / "disk.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {
            "ZIG_GLOBAL_CACHE_DIR": str(folder / "zig"),
            "ZIG_LOCAL_CACHE_DIR": str(folder / "zig"),
        }
        command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)]
        subprocess.run(command, env=environment, check=True)
    return library


def _data() -> DataFolder:
    from nca_assets.project import Project

    return Project.load().writable_data()


def build() -> None:
    from nca_assets.warehouse.build import build_warehouse

    build_warehouse(_data())


def remake() -> None:
    from nca_assets.ids import ShardKey
    from nca_assets.labels.write import write_labels
    from nca_assets.project import Project
    from nca_assets.shards.write import write_shard
    from nca_assets.vocabulary.centroids import load_centroids

    key, data, resources = ShardKey("set1", 1), _data(), Project.load().resources
    write_shard(key, load_centroids(data), data, resources)
    write_labels(key, data, resources)


def collect() -> None:
    from nca_assets.warehouse.collections import freeze

    freeze("a", "SELECT rollout_id FROM labels WHERE set_name = 'set2'", _data())


def note() -> None:
    from datetime import datetime

    from nca_assets.warehouse.history import Event, append_history

    append_history(
        [Event(9, "rollout_shards", "set1-00001", datetime(2026, 2, 1), "r", "1", None, {}, None, 1.0, None)], _data()
    )


def export() -> None:
    from nca_assets.labels.export import export_csv

    export_csv(_data())


def unpack() -> None:
    from nca_assets.ids import ShardKey
    from nca_assets.loading import unpacked

    unpacked.unpack(ShardKey("set1", 1), _data())


def adopt_centroids() -> None:
    from nca_assets.vocabulary.centroids import import_centroids

    data = _data()
    import_centroids(Path(str(data.centroids_file)), data)


def explore() -> None:
    from nca_assets.explorer.page import write_explorer
    from nca_assets.explorer.selection import explored

    write_explorer(explored(_data()), _data().explorer_file)


def draw() -> None:
    from nca_assets.figures.catalog import FIGURES

    FIGURES[3].make(_data())


def publish() -> None:
    from nca_assets.publishing.publish import publish as write

    write(_data().published_folder, _data(), original_layout=True)


def as_command(work: Callable[[], None]) -> Callable[[], None]:
    """``work`` whose errors are a line and a status, as those of commands are."""

    def run() -> None:
        from nca_assets.errors import NcaError

        try:
            work()
        except NcaError as error:
            sys.exit(f"nca: {error}")

    run.__name__ = work.__name__
    return run


QUICK = [as_command(work) for work in (build, remake, collect, note, export, unpack, adopt_centroids, explore, draw)]
PUBLISH = as_command(publish)
SLOW = [
    PUBLISH,
    *(
        forks.command(*text.split())
        for text in ("materialize set1-00001", "import shards life", "collect a", "import centroids data/centroids.pt")
    ),
]


def verify() -> None:
    """As the command does, without Dagster."""
    from nca_assets.errors import NcaError
    from nca_assets.labels.verify import verify_labels
    from nca_assets.project import Project
    from nca_assets.shards.verify import verify_shard

    data, resources = _data(), Project.load().resources
    for key in data.shards():
        for part in (lambda key: verify_shard(key, data, resources, 1), lambda key: verify_labels(key, data)):
            with suppress(NcaError):
                part(key)


def sound() -> None:
    """Read everything; an error of ours names what is damaged."""
    from nca_assets.errors import NcaError
    from nca_assets_tests.faults import readers

    data = _data()
    for key in readers.KEYS:
        for reader in (readers.stored, readers.labelled, readers.sums):
            reader(data, key)
    for reader in (readers.verified, readers.collected, readers.simulated, readers.scored, readers.asked):
        reader(data, readers.KEYS[0])
    if any(data.published_folder.glob("*")):  # pyright: ignore
        readers.published(data, readers.KEYS[0])
    for kind in ("csv", "html"):
        for file in data.root.glob(f"*.{kind}"):  # pyright: ignore
            if not file.read_text().endswith(("\n", ">")):
                raise NcaError(f"{file} has no end")


class Trials:
    """Writing with an end, in a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.total = cache(self._total)

    def limited(self, work: Callable[[], None], left: int, deadly: bool) -> forks.Ended:
        """Do ``work`` with ``left`` bytes to write to the data, then be refused or die."""
        counted = self.world.folder / "tmp" / "counted"

        def run() -> None:
            disk = ctypes.CDLL(None)
            disk.disk_left.restype = ctypes.c_long
            disk.disk_begin(str(self.world.folder / "data").encode(), ctypes.c_long(left), int(deadly))
            try:
                work()
            finally:
                counted.write_text(str(left - disk.disk_left()))

        return forks.forked(run, self.world.folder / "tmp/writing", 120)

    def _total(self, work: Callable[[], None]) -> int:
        """The bytes that ``work`` writes undisturbed."""
        self.world.put_back()
        ended = self.limited(work, ENDLESS, deadly=False)
        assert ended.status == 0, ended
        total = int((self.world.folder / "tmp" / "counted").read_text())
        self.world.put_back()
        return total

    def trial(self, work: Callable[[], None], part: float, deadly: bool) -> list[str]:
        """What is wrong after ``work`` could write a ``part`` of its bytes, and was refused or died."""
        total = self.total(work)
        assert total, f"{work.__name__} writes nothing"
        left = int(part * total)
        try:
            ended = self.limited(work, left, deadly)
            wrong: list[str] = []
            if deadly and ended.status != KILLED:
                wrong.append(f"it was not killed: {ended}")
            elif not deadly and ended.status == 0:
                wrong.append("it succeeded on a full disk")
            elif not deadly and (ended.fault or not ("No space left" in ended.err or "disk is full" in ended.err)):
                wrong.append(f"{ended.fault}: {ended.err[-1500:]}")
            wrong += self._unsound("then")
            if not deadly:
                wrong += self._leftovers()
            again = forks.forked(work, self.world.folder / "tmp/writing", 120)
            if again.status != 0:
                wrong.append(f"it fails afterwards: {again.err[-1500:]}")
            wrong += self._unsound("after it was run again") + self._leftovers()
            wrong += [f"lost: {file}" for file in self.world.kept if not file.exists() and "findings" not in str(file)]
            return wrong
        finally:
            self.world.put_back()

    def _unsound(self, when: str) -> list[str]:
        found = forks.forked(sound, self.world.folder / "tmp/sound", 120)
        return [f"{when} it is unsound: {found.err[-1500:]}"] if found.status != 0 else []

    def _leftovers(self) -> list[str]:
        there = [file for file in (self.world.folder / "data").rglob(".*") if not file.name.endswith("-lock")]
        return [f"left: {file.name}" for file in there if file not in self.world.kept]


def trials(
    world: World, count: int, chance: random.Random, deadly: bool, slow: float
) -> Iterator[tuple[str, list[str]]]:
    """``count`` trials: what was tried, and what was wrong."""
    trying = Trials(world)
    for number in range(count):
        among = SLOW if chance.random() < slow else QUICK
        work, part = among[number % len(among)], chance.random()
        what = f"{work.__name__} {'killed' if deadly else 'refused'} at {part:.4f}"
        yield what, [f"{what}: {wrong}" for wrong in trying.trial(work, part, deadly)]
