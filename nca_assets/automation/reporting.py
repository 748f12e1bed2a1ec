"""What a run tells a person: failures as one line, progress with rate and time left, pictures, table schemas."""

import base64
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TextIO

import dagster as dg
from tqdm import tqdm

from nca_assets.errors import NcaError
from nca_assets.labels.schema import Column
from nca_assets.progress import Progress

if TYPE_CHECKING:
    import polars as pl

SECONDS_BETWEEN_LINES = 5.0

terminal: ContextVar[TextIO | None] = ContextVar("terminal", default=None)
"""Where to draw progress bars; not stderr itself, which Dagster captures while a step runs."""


@contextmanager
def failures_in_one_line() -> Iterator[None]:
    """Turn ``NcaError`` into a Dagster failure whose description is its message, and which is not retried."""
    try:
        yield
    except NcaError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


@contextmanager
def progress_in_log(context: dg.AssetExecutionContext, what: str, unit: str) -> Iterator[Progress]:
    """A callback (done, total) that writes a line to the run's log every few seconds, and moves a bar on a terminal."""
    started = last_line = time.monotonic()
    screen = terminal.get()
    with tqdm(desc=what, unit=f" {unit}", file=screen, disable=screen is None, leave=False) as bar:

        def report(done: int, total: int) -> None:
            nonlocal last_line
            bar.total = total
            bar.update(done - bar.n)
            now = time.monotonic()
            if now - last_line >= SECONDS_BETWEEN_LINES:
                last_line = now
                rate = done / (now - started)
                left = (total - done) / rate
                context.log.info(f"{what}: {done} of {total} {unit}, {rate:.1f} per second, {left:.0f} s left")

        yield report


def inline_picture(png: bytes) -> dg.MarkdownMetadataValue:
    """A PNG as metadata that the UI shows in place."""
    return dg.MetadataValue.md(f"![](data:image/png;base64,{base64.b64encode(png).decode()})")


def behavior_table(behaviors: "pl.Series") -> dg.MarkdownMetadataValue:
    """How many rollouts are of each class."""
    counts = behaviors.value_counts(sort=True, name="rollouts")
    lines = [f"| {behavior} | {rollouts} |" for behavior, rollouts in counts.iter_rows()]
    return dg.MetadataValue.md("\n".join(["| behavior | rollouts |", "|---|---|", *lines]))


def table_schema(columns: Iterable[Column]) -> dg.TableSchema:
    """Columns as Dagster's table schema."""
    return dg.TableSchema([dg.TableColumn(c.name, c.type.lower(), description=c.description) for c in columns])
