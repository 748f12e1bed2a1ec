"""Output shared by the commands: summaries, progress bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tqdm import tqdm

from nca_assets.progress import Progress
from nca_assets.text import counted

if TYPE_CHECKING:
    from nca_assets.in_process import Materialized


def materialized(done: Materialized) -> str:
    """One-line summary of a materialization."""
    name = f"{done.asset} {done.partition}" if done.partition else done.asset
    return f"materialized {name:36} {_summary(done.metadata)}"


def _summary(metadata: dict[str, object]) -> str:
    shown = []
    if isinstance(rows := metadata.get("dagster/partition_row_count", metadata.get("dagster/row_count")), int):
        shown.append(counted(rows, "row"))
    if isinstance(tokens := metadata.get("tokens"), int):
        shown.append(counted(tokens, "token"))
    if isinstance(rate := metadata.get("tokens per second"), float):
        shown.append(f"{rate / 1e6:.2f}M tokens/s on {metadata['device']}")
    if isinstance(digest := metadata.get("digest"), str):
        shown.append(f"digest {digest[:12]}")
    return ", ".join(shown)


def progress_of(bar: tqdm) -> Progress:
    """A callback that moves ``bar``."""

    def move(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return move


@contextmanager
def shown(what: str) -> Iterator[Progress]:
    """A progress bar for ``what``, on a terminal only."""
    with tqdm(desc=what, disable=None, leave=False) as bar:
        yield progress_of(bar)
