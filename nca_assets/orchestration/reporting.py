"""Reports of a run for people: one-line failures, progress with rate and time left, pictures, table schemas."""

import base64
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
from tqdm import tqdm

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError, TransientError
from nca_assets.labels.schema import Column
from nca_assets.orchestration.instance.binding import bind
from nca_assets.orchestration.instance.database import retry_while_down
from nca_assets.orchestration.instance.launcher import HOST, this_host
from nca_assets.progress import Progress
from nca_assets.project import Project
from nca_assets.store.location import BucketPath
from nca_assets.text import markdown_table

SECONDS_BETWEEN_LINES = 5.0

MAX_RETRIES = 2
SECONDS_BEFORE_RETRY = 5.0


@contextmanager
def failures_in_one_line(context: dg.AssetExecutionContext | None = None) -> Iterator[None]:
    """Turn ``NcaError`` into a Dagster failure whose description is its message.

    Given the step's ``context``, transient errors are retried twice; no other error is ever retried.
    """
    try:
        yield
    except NcaError as error:
        if context and isinstance(error, TransientError) and context.retry_number < MAX_RETRIES:
            context.log.warning(f"{error} Trying again in {SECONDS_BEFORE_RETRY:.0f} s.")
            raise dg.RetryRequested(MAX_RETRIES, SECONDS_BEFORE_RETRY) from error
        raise dg.Failure(description=str(error), allow_retries=False) from error


@contextmanager
def working(context: dg.AssetExecutionContext) -> Iterator[tuple[Project, DataFolder]]:
    """The project and its writable dataset, for a step whose failures are one line.

    Fails if the dataset differs in shape from the settings, is read-only, or is not the one bound to the instance.
    """
    with failures_in_one_line(context):
        retry_while_down(lambda: context.instance.add_run_tags(context.run.run_id, {HOST: this_host()}))
        project = Project.load()
        data = project.writable_data()
        retry_while_down(lambda: bind(context.instance, data))
        yield project, data


@contextmanager
def progress_in_log(context: dg.AssetExecutionContext, what: str, unit: str) -> Iterator[Progress]:
    """A callback (done, total) that logs a line every few seconds and moves a progress bar on a terminal."""
    started = last_line = time.monotonic()
    with tqdm(desc=what, unit=f" {unit}", disable=None, leave=False) as bar:

        def report(done: int, total: int) -> None:
            nonlocal last_line
            bar.total = total
            bar.update(done - bar.n)
            now = time.monotonic()
            if now - last_line >= SECONDS_BETWEEN_LINES:
                last_line = now
                rate = done / (now - started)
                left = (total - done) / rate
                line = f"{what}: {done} of {total} {unit}, {rate:.1f} per second, {left:.0f} s left"
                retry_while_down(lambda: context.log.info(line))

        yield report


def inline_picture(content: bytes, image_format: str = "png") -> dg.MarkdownMetadataValue:
    """A PNG or GIF as metadata, shown inline by the UI."""
    return dg.MetadataValue.md(f"![](data:image/{image_format};base64,{base64.b64encode(content).decode()})")


def seconds_since(started: float) -> float | int:
    """The time since ``time.perf_counter()`` was ``started``."""
    return rounded(time.perf_counter() - started)


def rounded(value: float) -> float | int:
    """``value`` to four significant digits; whole from 1000 on."""
    short = float(f"{value:.4g}")
    return round(short) if abs(short) >= 1000 else short


def as_metadata(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values as Dagster's metadata: PNGs as pictures, files as paths, times, counts as tables, floats rounded."""
    return {name: _shown(value) for name, value in facts.items()}


def _shown(value: object) -> object:
    match value:
        case bytes():
            return inline_picture(value)
        case float():
            return rounded(value)
        case Path() | BucketPath():
            return dg.MetadataValue.path(str(value))
        case datetime():
            return dg.MetadataValue.timestamp(value)
        case dict():
            return dg.MetadataValue.md(markdown_table(["behavior", "rollouts"], value.items()))
    return value


def table_schema(columns: Iterable[Column]) -> dg.TableSchema:
    """``columns`` as a Dagster table schema."""
    return dg.TableSchema([dg.TableColumn(c.name, c.type.lower(), description=c.description) for c in columns])
