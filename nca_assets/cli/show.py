"""How commands show things on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from nca_assets.progress import Progress

if TYPE_CHECKING:
    from nca_assets.automation.in_process import Materialized


def materialized(done: Materialized) -> str:
    """A line that says what was materialized."""
    name = f"{done.asset} {done.partition}" if done.partition else done.asset
    return f"materialized {name:36} {_summary(done.metadata)}"


def _summary(metadata: dict[str, object]) -> str:
    shown = []
    if isinstance(rows := metadata.get("dagster/partition_row_count", metadata.get("dagster/row_count")), int):
        shown.append(f"{rows:,} rows")
    if isinstance(tokens := metadata.get("tokens"), int):
        shown.append(f"{tokens:,} tokens")
    if isinstance(rate := metadata.get("tokens per second"), float):
        shown.append(f"{rate / 1e6:.2f}M tokens/s on {metadata['device']}")
    if isinstance(digest := metadata.get("digest"), str):
        shown.append(f"digest {digest[:12]}")
    return ", ".join(shown)


def moving(bar: tqdm) -> Progress:
    """A callback that moves ``bar``."""

    def move(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return move


@contextmanager
def shown(what: str) -> Iterator[Progress]:
    """A bar on a terminal for the progress of ``what``."""
    with tqdm(desc=what, disable=None, leave=False) as bar:
        yield moving(bar)


def print_table(table: Table) -> None:
    """Print a table, as wide as the terminal, or as it needs."""
    # A log or a pipe has no width of its own, and wrapping there only hurts: the table takes what it needs.
    Console(width=None if sys.stdout.isatty() else 10_000).print(table)


def print_rows(columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    """Print the answer of a query as a table."""
    table = Table(*columns, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    print_table(table)


def cell(value: object) -> str:
    """A value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:,.6g}"
    return str(value)
