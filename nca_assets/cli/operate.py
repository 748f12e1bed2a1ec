"""Commands that plan work and show its progress."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nca_assets.cli.app import app
from nca_assets.cli.tables import print_rows, printable
from nca_assets.errors import NcaError
from nca_assets.project import Project
from nca_assets.text import counted

if TYPE_CHECKING:
    from nca_assets.orchestration.backfill.overview import Overview

COUNTS = ("partitions", "materialized", "stale", "failed", "in_flight", "missing", "unlabeled")
"""What ``nca status`` counts in each set; those of ``SetStatus``."""


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, for programs.")] = False) -> None:
    """Show partitions by set (materialized, stale, failed, in flight, missing), sizes, and the estimated time left."""
    from nca_assets.project import Project

    project = Project.load()
    with project.data.surveyed():  # a bucket is listed while Dagster is loaded
        from nca_assets.in_process import project_instance
        from nca_assets.orchestration.backfill.overview import take_overview

        with project_instance() as instance:
            overview = take_overview(project, instance)
    if as_json:
        print(json.dumps(_facts(project, overview), indent=2))
    else:
        _print_overview(project, overview)


def _facts(project: Project, overview: Overview) -> dict[str, Any]:
    """An overview as JSON's types; times are in seconds."""
    sets = [
        {"set": row.on_disk.set, **{name: getattr(row, name) for name in COUNTS}, "rollouts": row.on_disk.rollouts,
         "tokens": row.on_disk.tokens, "bytes": row.on_disk.file_bytes, "rollouts_without_tokens": row.on_disk.dropped}
        for row in overview.sets
    ]  # fmt: skip
    return {
        "data": str(project.data),
        "sets": sets,
        "partitions_to_make": overview.left,
        "seconds_per_partition": overview.seconds_per_partition,
        "seconds_left": overview.seconds_left,
        "unreported_files": overview.unreported,
    }


def _print_overview(project: Project, overview: Overview) -> None:
    print(printable(str(project.data)))
    rows = [
        (row.on_disk.set, *(getattr(row, name) for name in COUNTS), row.on_disk.rollouts, row.on_disk.tokens,
         round(row.on_disk.file_bytes / 1e6, 1))
        for row in overview.sets
    ]  # fmt: skip
    print_rows([name.replace("_", " ") for name in ("set", *COUNTS, "rollouts", "tokens", "MB")], rows)
    if dropped := sum(row.on_disk.dropped for row in overview.sets):
        print(f"{counted(dropped, 'rollout')} without tokens, which are simulated when they are read")
    to_make = f"{counted(overview.left, 'partition')} to make"
    if overview.left and overview.seconds_left is not None:
        left = timedelta(seconds=round(overview.seconds_left))
        print(f"{to_make}, recently {overview.seconds_per_partition:.1f} s each: {left} left")
    elif overview.left:
        print(to_make)
    elif not overview.unreadable:
        print("every partition is up to date")
    if overview.unreadable:
        print(f"{counted(overview.unreadable, 'partition')} in folders that can't be read: left as they are until then")
    if overview.unreported:
        print(f"{counted(overview.unreported, 'file')} on disk that Dagster does not know of: 'nca adopt' reports them")


@app.command()
def adopt() -> None:
    """Report data on disk that Dagster does not know of as materialized, as their own files describe them.

    For use after a run that was killed, or with a new or another Dagster instance.
    """
    from nca_assets.in_process import project_instance
    from nca_assets.orchestration.backfill.adopt import adopt as report
    from nca_assets.orchestration.partitions.in_flight import partitions_in_flight
    from nca_assets.orchestration.partitions.pending import assess_now

    project = Project.load()
    with project_instance() as instance:
        busy = partitions_in_flight(instance, project)
        adopted = report(assess_now(project, instance), project, instance, busy)
    print(
        f"{counted(adopted, 'materialization')} adopted" if adopted else "nothing to adopt: Dagster knows of all data"
    )


@app.command()
def backfill(
    set_name: Annotated[str, typer.Option("--set", help="Only this set, such as set1.")] = "",
    shards: Annotated[str, typer.Option(help="Only these shard numbers, such as 0-99 or 7.")] = "",
    missing: Annotated[bool, typer.Option("--missing", help="Only missing partitions.")] = False,
    stale: Annotated[bool, typer.Option("--stale", help="Only partitions that are out of date.")] = False,
) -> None:
    """Launch a Dagster backfill of shards with their labels, shown on the UI's Backfills page.

    With --missing or --stale, partitions with an up-to-date shard get only their labels.
    """
    from nca_assets.in_process import project_instance
    from nca_assets.orchestration.backfill.launch import daemon_is_running, launch_backfill
    from nca_assets.orchestration.partitions.in_flight import partitions_in_flight
    from nca_assets.orchestration.partitions.pending import find_pending
    from nca_assets.project import Project

    project = Project.load()
    project.writable_data()
    chosen = _choose(project, set_name, shards)
    labels: list[str] = []
    with project_instance() as instance:
        if missing or stale:
            busy = partitions_in_flight(instance, project)  # first: work finished meanwhile counts as made
            pending = find_pending(project, instance).only(set(chosen) - busy)
            chosen = missing * pending.missing_shards + stale * pending.stale_shards
            labels = missing * pending.missing_labels + stale * pending.stale_labels
            if pending.unreadable:
                print(f"left out: {counted(len(pending.unreadable), 'partition')} in folders that can't be read")
        if not chosen and not labels:
            print("nothing to do: every readable partition among these is up to date or in flight")
            return
        title = " ".join(["nca backfill", set_name, shards, "missing" * missing, "stale" * stale])
        made = launch_backfill(instance, chosen, labels, " ".join(title.split()))
        running = daemon_is_running(instance)
    print(f"backfill {made}: {counted(len(chosen), 'shard')} with labels, {len(labels)} with labels only")
    print("follow it with 'nca status', or in the UI under Runs, Backfills")
    if not running:
        print("no daemon is running: start one with 'nca ui' to run the backfill")


def _choose(project: Project, set_name: str, shards: str) -> list[str]:
    """Partition keys in the range ``shards`` of ``set_name``, or of all sets."""
    from nca_assets.ids import ShardKey

    if set_name and set_name not in project.sets:
        raise NcaError(f"unknown set {set_name!r}: choose one of {', '.join(project.sets)}")
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", shards or f"0-{project.orchestration.shards_per_set - 1}")
    if not match:
        raise NcaError(f"--shards {shards!r} is not a range: use a number, or a range such as 0-99")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise NcaError(f"--shards {shards}: {first} is above {last}")
    names = [set_name] if set_name else list(project.sets)
    return [str(project.shard_key(str(ShardKey(name, number)))) for name in names for number in range(first, last + 1)]
