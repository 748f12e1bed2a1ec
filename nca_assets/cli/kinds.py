"""Commands that turn partitions with tokens into ones without, and back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from nca_assets.cli.app import app
from nca_assets.cli.show import shown
from nca_assets.errors import NcaError
from nca_assets.text import counted

if TYPE_CHECKING:
    from nca_assets.data_folder import DataFolder
    from nca_assets.ids import ShardKey
    from nca_assets.progress import Progress
    from nca_assets.settings import Resources

    Change = Callable[[ShardKey, DataFolder, Resources, Progress], bool]

Partitions = Annotated[
    list[str], typer.Argument(help="Partition keys, such as set1-00000, or ranges, such as set1-00000...set1-00099.")
]


@app.command()
def drop(partitions: Partitions) -> None:
    """Remove the token files of partitions, whose rollouts then follow from their recipes; labels and digests stay.

    Each rollout is first simulated again; if any differs from its digest, the file stays. 'nca keep' writes it again.
    """
    from nca_assets.shards.kinds import drop_tokens

    _change(_keys(partitions), drop_tokens, "dropped")


@app.command()
def keep(partitions: Partitions) -> None:
    """Write the token files of partitions without one, simulated from their recipes and held against their digests."""
    from nca_assets.project import Project
    from nca_assets.shards.kinds import keep_tokens
    from nca_assets.shards.space import require_space

    keys, data = _keys(partitions), Project.load().data
    require_space([key for key in keys if not key.imported and not data.tokens_file(key).exists()], data)
    _change(keys, keep_tokens, "kept")


def _change(keys: list[ShardKey], change: Change, done: str) -> None:
    """Apply ``change`` to each partition and print what became of it."""
    from nca_assets.in_process import busy_partitions, rebuild_if, report_kinds
    from nca_assets.project import Project

    project = Project.load()
    busy = busy_partitions(project)
    changed, failed = [], 0
    for key in keys:
        try:
            if str(key) in busy:
                raise NcaError(f"{key} is being made by a run: wait for its end")
            with shown(str(key)) as progress:
                new = change(key, project.data, project.resources, progress)
            changed += [key] * new
            print(f"{key}: tokens {'' if new else 'already '}{done}", flush=True)
        except NcaError as error:
            failed += 1
            print(error, file=sys.stderr)
    report_kinds(changed, project.data)
    rebuild_if(bool(changed))
    if failed:
        raise NcaError(f"{failed} of {counted(len(keys), 'partition')} left as they were")


def _keys(partitions: list[str]) -> list[ShardKey]:
    """The partitions of these keys and ranges, in order. Raises ``NcaError`` if a range ends before it begins."""
    from nca_assets.ids import ShardKey

    keys = []
    for text in partitions:
        begin, dots, end = text.partition("...")
        first, last = ShardKey.parse(begin), ShardKey.parse(end if dots else begin)
        if first.set != last.set or first.number > last.number:
            raise NcaError(f"{text} is not a range: name its first and last partition, of one set")
        keys += [ShardKey(first.set, number) for number in range(first.number, last.number + 1)]
    return keys
