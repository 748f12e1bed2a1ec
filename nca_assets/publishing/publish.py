"""Writing the folder: everything beside it first, then one rename."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from nca_assets.errors import DiskFullError, NcaError
from nca_assets.figures.catalog import FIGURES
from nca_assets.labels.export import export_csv
from nca_assets.naming import ShardKey, centroids_file
from nca_assets.progress import Progress, unwatched
from nca_assets.publishing import card, parquet
from nca_assets.publishing.checksums import sums_of, write_sums
from nca_assets.publishing.croissant import croissant
from nca_assets.publishing.layout import (
    CHECKSUMS,
    CROISSANT,
    FIGURES_FOLDER,
    LABELS,
    PREVIEW,
    README,
    published_shards,
    token_file,
)
from nca_assets.settings import Settings
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION

TIMES_THE_SHARDS = 2.5
"""Room that the folder takes: the shards once more, their tokens as Parquet, and the rest."""


@dataclass(frozen=True)
class Published:
    """What was written: the folder, its files and bytes, and the SHA-256 of its checksums."""

    folder: Path
    files: int
    bytes: int
    digest: str


def publish(to: Path, settings: Settings, progress: Progress = unwatched) -> Published:
    """Write the labelled shards of ours into folder ``to`` as the hub shows them; the same bytes for the same data.

    What was published there before is replaced once all is written. Raises ``NcaError`` if the folder holds anything
    else, if there is nothing to publish, or if something is missing, damaged, out of date, or does not fit.
    """
    _require_free(to)
    shards = published_shards(settings.data)
    _require_space(to, shards, settings.data)
    with _replaced(to) as folder:
        _write(folder, shards, settings, progress)
        digest = write_sums(sums_of(folder), folder)
    files = [file for file in to.rglob("*") if file.is_file()]
    return Published(to, len(files), sum(file.stat().st_size for file in files), digest)


def _write(folder: Path, shards: dict[str, list[ShardKey]], settings: Settings, progress: Progress) -> None:
    data = settings.data
    total, done = sum(map(len, shards.values())), 0
    for rollout_set, keys in shards.items():
        parquet.write_preview(rollout_set, folder / PREVIEW.files(rollout_set), settings)
        parquet.write_labels(keys, folder / LABELS.files(rollout_set), settings)
        for key in keys:
            parquet.write_tokens(key, folder / token_file(key), settings)
            for file in (key.tokens_file(data), key.manifest_file(data)):
                _copy(file, folder / file.relative_to(data))
            done += 1
            progress(done, total)
    for file in export_csv(data):
        _copy(file, folder / file.name)
    for file in (centroids_file(data), centroids_file(data).with_suffix(".json")):
        _copy(file, folder / file.name)
    for figure in FIGURES:
        figure.make(settings)
        _copy(figure.file("png", data), folder / FIGURES_FOLDER / f"{figure.name}.png")
    about = card.facts(settings)
    metadata = croissant(
        sums_of(folder), shards, f"{RECIPE_VERSION}.{LABEL_VERSION}.0", about.summary, card.citation(about)
    )
    (folder / CROISSANT).write_text(metadata)
    (folder / README).write_text(card.render(about))


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)


def _require_free(to: Path) -> None:
    if to.exists() and not to.is_dir():
        raise NcaError(f"{to} is a file: give another folder to publish to")
    if to.exists() and any(to.iterdir()) and not (to / CHECKSUMS).exists():
        raise NcaError(f"{to} holds other files: give a new folder, or one that was published to before")


def _require_space(to: Path, shards: dict[str, list[ShardKey]], data: Path) -> None:
    sizes = [key.tokens_file(data).stat().st_size for keys in shards.values() for key in keys]
    there = next(folder for folder in [to.absolute(), *to.absolute().parents] if folder.exists())
    needed, free = TIMES_THE_SHARDS * sum(sizes), shutil.disk_usage(there).free
    if needed > free:
        raise DiskFullError(
            f"publishing needs about {needed / 1e6:,.1f} MB, {there} has {free / 1e6:,.1f} MB left: free space, or "
            "publish to another disk"
        )


@contextmanager
def _replaced(to: Path) -> Iterator[Path]:
    """A folder beside ``to`` that takes its place when the block ends well, and vanishes when it does not."""
    temporary = to.with_name(f".{to.name}.{uuid4().hex[:12]}.part")
    before = temporary.with_suffix(".before")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if to.exists():
            to.rename(before)
        temporary.rename(to)
    except OSError as error:
        raise NcaError(
            f"can't write {to}: {error.strerror or error}. Free space or make the folder writable, then publish again."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if before.exists() and not to.exists():
            before.rename(to)
        shutil.rmtree(before, ignore_errors=True)
