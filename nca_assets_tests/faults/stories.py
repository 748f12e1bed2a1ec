"""Stories: shards are made, labelled, collected and published, files are damaged, processes die, in any order. What was
not damaged is sound after every step, and all is when the damaged files are put back."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from nca_assets_tests.faults import damage, forks, writing
from nca_assets_tests.faults.world import World

STEPS = 8

DAMAGED = ("tokens", "manifest", "labels", "curves", "sums", "collection", "history", "tasks", "unpacked", "warehouse")


def stories(world: World, count: int, chance: random.Random) -> Iterator[tuple[str, list[str]]]:
    """``count`` stories: their steps, and what was wrong."""
    told: list[list[str]] = []

    class Story(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            world.put_back()
            self.trying = writing.Trials(world)
            self.damaged: dict[Any, bytes] = {}
            told.append([])

        def fork(self, work: Callable[[], None], name: str) -> forks.Ended:
            ended = forks.forked(work, world.folder / "tmp/story", 120)
            told[-1].append(name)
            assert not ended.fault, (told[-1], ended)
            assert ended.status == 0 or self.damaged, (told[-1], ended)
            return ended

        @rule(work=st.sampled_from([*writing.QUICK, writing.PUBLISH]))
        def make(self, work: Callable[[], None]) -> None:
            """Shards, labels, tables, collections, history, CSV, figures, the explorer, the published folder."""
            self.fork(work, work.__name__)

        @rule()
        def verify(self) -> None:
            self.fork(writing.as_command(writing.verify), "verify")

        @rule(work=st.sampled_from(writing.QUICK), bytes_=st.integers(0, 100_000))
        def kill(self, work: Callable[[], None], bytes_: int) -> None:
            ended = self.trying.limited(work, bytes_, deadly=True)
            told[-1].append(f"{work.__name__} killed at {bytes_}")
            assert ended.status == writing.KILLED or not ended.fault, (told[-1], ended)

        @rule(kind=st.sampled_from(DAMAGED), number=st.integers(0, 9), fault=st.sampled_from(damage.IN_PLACE),
              of=st.integers(0, 2**32))  # fmt: skip
        def spoil(self, kind: str, number: int, fault: damage.Fault, of: int) -> None:
            files = [file for file in world.kinds()[kind] if file.exists()]
            if files:
                file = files[number % len(files)]
                self.damaged.setdefault(file, file.read_bytes())
                fault(file, files, random.Random(of))
                told[-1].append(f"{fault.__name__} of {file.relative_to(world.folder)}")

        @invariant()
        def nothing_else_is_damaged(self) -> None:
            ended = forks.forked(writing.as_command(writing.sound), world.folder / "tmp/sound", 120)
            assert not ended.fault, (told[-1], ended)
            assert ended.status == 0 or self.damaged, (told[-1], ended)

        def teardown(self) -> None:
            for file, content in self.damaged.items():
                damage.restore(file, content)
            # What was made from damaged files is made again.
            self.damaged.clear()
            self.fork(writing.as_command(writing.build), "the end")
            self.nothing_else_is_damaged()
            lost = [file for file in world.kept if not file.exists() and "/tmp/" not in str(file)]
            lost = [file for file in lost if file.parent.name not in ("findings", "unpacked")]
            world.put_back()
            assert lost == [], (told[-1], lost)

    chosen = settings(
        max_examples=count, stateful_step_count=STEPS, deadline=None, database=None, print_blob=False,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    wrong: list[str] = []
    try:
        run_state_machine_as_test(seed(chance.randrange(2**32))(Story), settings=chosen)
    except AssertionError as error:
        wrong.append(str(error)[:3000])
    world.put_back()
    yield from ((", ".join(steps), []) for steps in told)
    yield "stories", wrong
