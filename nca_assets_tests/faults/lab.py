"""A program: FOLDER TRIALS COUNT SEED does as many trials of a kind in the world in FOLDER, which it makes if there is
none, and prints a line of JSON about each. Every trial is a fork of this process, which has imported all of the package
and used none of it."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # where these tests are

from nca_assets_tests.faults import commands, forks, grammar, stories, writing
from nca_assets_tests.faults.world import World, enter, make


def open_world(folder: Path) -> World:
    enter(folder)
    forks.preload()
    if not (folder / "nca.toml").exists():
        # Figures and the published folder take 15 seconds, so only the many faults are done to them too.
        more = [forks.command("figures"), forks.command("publish")] if "FAULTS" in os.environ else []
        for work in (lambda: make(folder), forks.command("adopt"), *more):
            ended = forks.forked(work, folder / "tmp/make", 300)
            assert ended.status == 0, ended
    return World.of(folder)


def main(folder: Path, trials: str, count: int, seed: int) -> None:
    world = open_world(folder)
    chance = random.Random(seed)

    def report(found: Iterator[tuple[str, list[str]]]) -> None:
        for tried, wrong in found:
            print(json.dumps([tried, wrong]), flush=True)

    def in_a_fork() -> None:
        from nca_assets_tests.faults import bytes_of_files

        out = os.fdopen(answers, "w")
        with redirect_stdout(out):
            report(bytes_of_files.trials(world, count, chance))

    try:
        if trials in ("kills", "disks"):
            report(writing.trials(world, count, chance, deadly=trials == "kills", slow=0.1))
        elif trials == "stories":
            report(stories.stories(world, count, chance))
        elif trials == "sql":
            report(grammar.trials(world, count, chance))
        elif trials in ("commands", "answers"):
            report(commands.trials(world, count, chance, slow=0.2 if trials == "commands" else 0))
        else:
            answers = os.dup(1)
            ended = forks.forked(in_a_fork, folder / "tmp/bytes", 3600)
            print(json.dumps(["the process", [str(ended)] if ended.status else []]))
    finally:
        world.put_back()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
