"""Commands after faults: each says what it does to which files, and its undisturbed run shows what it should."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nca_assets_tests.faults import damage, forks
from nca_assets_tests.faults.world import World

BUILD = (r"data/nca\.duckdb", r"data/history/.*")
EVERYWHERE = r"home/.*|cache/.*|out/.*|data/findings/.*"
"""What every command may write."""


@dataclass(frozen=True)
class Command:
    """A command, the files that it may write, and whether it answers the same each time."""

    arguments: tuple[str, ...]
    writes: tuple[str, ...] = ()
    answers: bool = False
    slow: bool = False
    products: str = "out/**/*"
    """The files that are its answer."""

    def __str__(self) -> str:
        return " ".join(self.arguments)


OUR_SHARD = r"data/(nca_dataset/shard_00001\..*|(labels|curves|curve_sums)/set=1/shard=00001\.parquet)"
THEIR_SHARDS = r"data/(imported|labels|curves|curve_sums)/(set=)?life/.*"


QUERY = "SELECT * FROM labels ORDER BY ALL"
COMMANDS = (
    Command(("status",)),
    Command(("status", "--json")),
    Command(("sql", QUERY), answers=True),
    Command(("sql", "FROM stale_partitions ORDER BY ALL", "--json"), answers=True),
    Command(("sql", "FROM collection_rollouts ORDER BY ALL", "--csv"), answers=True),
    Command(("sql", QUERY, "--parquet", "out/labels.parquet"), answers=True),
    Command(("verify",), writes=BUILD),
    Command(("verify", "--published", "data/published"), answers=True),
    Command(("export",), writes=(r"data/dataset_labels.*",), answers=True, products="data/*.csv"),
    Command(("gif", "set1/000001", "--out", "out/ours.gif", "--frames", "3"), answers=True),
    Command(("gif", "life/000001", "--out", "out/theirs.png", "--frames", "3"), answers=True),
    Command(("explore", "--out", "out/explorer.html"), answers=True),
    Command(("regenerate", "set1/000001", "--to", "out/tokens.npy"), answers=True),
    Command(("sequences", "--to", "out/sequences"), answers=True),
    Command(("generate", "set1-00000", "--to", "out/local"), slow=True),
    Command(("init", "out/project"), answers=True),
    Command(("adopt",)),
    Command(("backfill", "--missing", "--stale")),
    Command(("collect", "b"), writes=(*BUILD, "data/collections/.*"), slow=True),
    Command(("collect", "c", "FROM labels"), writes=(*BUILD, "data/collections/.*"), slow=True),
    Command(("import", "centroids", "data/centroids.pt"), writes=(r"data/centroids\..*",), slow=True),
    Command(("import", "shards", "life"), writes=(*BUILD, THEIR_SHARDS), slow=True),
    Command(("materialize", "set1-00001"), writes=(*BUILD, OUR_SHARD, r"data/centroids\..*"), slow=True),
    Command(("publish", "--to", "out/published"), slow=True),
    Command(("publish",), writes=("data/published/.*",), slow=True),
    Command(("figures",), writes=(r"data/(figures/.*|explorer\.html|dataset_card\.md)",), slow=True),
)


DEPEND = {
    (command, kind)
    for command in COMMANDS
    for name, kind in (("gif", "warehouse"), ("explore", "settings"))
    if command.arguments[0] == name
}
"""Commands, and kinds of files without which they have another answer: a picture's title names the class if known, and
the explorer has the sets of ``nca.toml``, by default the card's."""


@dataclass(frozen=True)
class Result:
    """How a command ended, and the files that it wrote as answers."""

    ended: forks.Ended
    files: dict[str, bytes]

    def same(self, other: Result) -> bool:
        return (self.ended.out, self.files) == (other.ended.out, other.files)


class Trials:
    """Commands in a world, after faults."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.undisturbed = cache(self.run)

    def run(self, command: Command) -> Result:
        """Run it in the world as it is, which is put back."""
        shutil.rmtree(self.world.folder / "out", ignore_errors=True)
        (self.world.folder / "out").mkdir()
        ended = forks.forked(forks.command(*command.arguments), self.world.folder / "tmp/trial", 120)
        written = self.world.folder.glob(command.products)
        return Result(ended, {str(file): file.read_bytes() for file in written if file.is_file()})

    def sound(self, command: Command) -> Result:
        result = self.undisturbed(command)
        assert not result.ended.fault, (str(command), result.ended)
        self.world.put_back()
        return result

    def trial(self, command: Command, kind: str, file: Path, fault: damage.Fault, chance: random.Random) -> list[str]:
        """What ``command`` does wrong after ``fault`` happened to ``file``."""
        expected = self.sound(command)
        try:
            fault(file, self.world.kinds()[kind], chance)
            before = self.world.changed()
            found = self.run(command)
            wrong = [found.ended.fault] if found.ended.fault else []
            place = str(file.relative_to(self.world.folder))
            if (
                (command, kind) not in DEPEND
                and command.answers
                and not (found.same(expected) or told(found, file.name))
            ):
                wrong.append("another answer, and not a word")
            allowed = re.compile("|".join([EVERYWHERE, re.escape(place), *command.writes]))
            touched = set(self.world.changed()) - set(before)
            wrong += [f"it changed {name}" for name in sorted(touched) if not allowed.fullmatch(name)]
            wrong += [f"it left {name}" for name in sorted(touched) if name.endswith((".part", ".new", ".before"))]
            return [f"{command} after {fault.__name__} of {place}: {what}\n{found.ended.err[-1500:]}" for what in wrong]
        finally:
            self.world.put_back()


def told(found: Result, name: str) -> bool:
    """Whether it failed, or said something of the file."""
    return found.ended.status != 0 or name in found.ended.err


def trials(world: World, count: int, chance: random.Random, slow: float) -> Iterator[tuple[str, list[str]]]:
    """``count`` trials, of which a share ``slow`` are of slow commands: what was tried, and what was wrong."""
    trying = Trials(world)
    kinds = world.kinds()
    for _ in range(count):
        among = [command for command in COMMANDS if command.slow == (chance.random() < slow)] or list(COMMANDS)
        command, kind = chance.choice(among), chance.choice(sorted(kinds))
        file, fault = chance.choice(kinds[kind]), chance.choice(damage.ALL)
        yield f"{kind} {fault.__name__} {command.arguments[0]}", trying.trial(command, kind, file, fault, chance)
