"""Writing the published folder from shards, labels and the warehouse."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DiskFullError, NcaError, TransientError
from nca_assets.figures.catalog import FIGURES
from nca_assets.ids import ShardKey
from nca_assets.loading.source import RolloutSource
from nca_assets.progress import Progress, unwatched
from nca_assets.publishing import card, parquet
from nca_assets.publishing.checksums import Sums, sums_of, write_sums
from nca_assets.publishing.croissant import croissant
from nca_assets.publishing.labels import write_csv
from nca_assets.publishing.layout import (
    CHECKSUMS,
    CONFIGS,
    CROISSANT,
    FIGURES_FOLDER,
    LABELS,
    PREVIEW,
    README,
    Config,
    collection_config,
    published_shards,
    token_file,
    warehouse_version,
)
from nca_assets.settings import Resources, load
from nca_assets.shards.kinds import keep_tokens
from nca_assets.shards.manifest import Manifest, read_manifest
from nca_assets.shards.space import bytes_per_shard
from nca_assets.store.exclusive import alone
from nca_assets.store.location import Stored, place_in
from nca_assets.store.replace import replaced_folder
from nca_assets.store.store import cache_of, current, free_bytes, local_copy, publish_version, sizes
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.collections import Collection, read_collection

TIMES_THE_SHARDS = 1
"""Size of the folder relative to the shards, at most, without copies of them."""


@dataclass(frozen=True)
class Published:
    """A published folder: its location, file count, bytes, and the SHA-256 of its checksums."""

    folder: Stored
    files: int
    bytes: int
    digest: str


Shards = dict[str, dict[ShardKey, str]]
"""The digests of the shards to publish, by set."""


def publish(
    to: Stored,
    data: DataFolder,
    progress: Progress = unwatched,
    original_layout: bool = False,
    collections: Sequence[str] = (),
) -> Published:
    """Write the native labeled shards into folder ``to`` in the hub's layout; the same bytes for the same data.

    With ``original_layout`` the folder holds the shards too, and the labels as CSV, as the original dataset has them.
    The latest version of each of ``collections`` becomes a config of that name, with its rollouts' tokens.
    An earlier publication there is replaced once everything is written; in a bucket the folder becomes the next version
    in ``to``. Raises ``NcaError`` if the folder holds anything else, if there is nothing to publish, or if data are
    missing, damaged, out of date or too large for the disk, and ``TransientError`` if the data change meanwhile or
    another process publishes there.
    """
    to = to.resolve()
    local = cache_of(to)
    with alone(local):
        before = current(to)
        chosen = [read_collection(name, data) for name in dict.fromkeys(collections)]
        published = _publish_locally(local, data, progress, original_layout, chosen)
        return replace(published, folder=publish_version(local, to, before))


def _publish_locally(
    to: Path, data: DataFolder, progress: Progress, original_layout: bool, collections: list[Collection]
) -> Published:
    _require_free(to)
    configs = (*CONFIGS, *map(collection_config, collections))
    for each in collections:
        RolloutSource.collection(each.name, data)  # refuses one that has changed
    version = warehouse_version(data)
    shards = published_shards(data)
    _require_vocabulary(data)
    _require_space(to, shards, data, TIMES_THE_SHARDS + original_layout + _share(collections, data))
    with replaced_folder(to) as folder:
        about = _write_tables(folder, shards, data)
        if warehouse_version(data) != version:
            raise TransientError("the warehouse was rebuilt during publishing: publish again")
        _write_shards(folder, shards, data, progress, original_layout)
        _write_collections(folder, collections, data)
        digest = write_sums(_write_documents(folder, shards, about, configs, original_layout), folder)
        _prove(folder, shards, data)
    files = [file for file in to.rglob("*") if file.is_file()]
    return Published(to, len(files), sum(file.stat().st_size for file in files), digest)


def _write_tables(folder: Path, shards: Shards, data: DataFolder) -> card.Facts:
    """Write everything derived from the warehouse; returns the card's facts."""
    for rollout_set, keys in shards.items():
        parquet.write_preview(rollout_set, folder / PREVIEW.files(rollout_set), data)
        parquet.write_labels(keys, folder / LABELS.files(rollout_set), data)
    (folder / FIGURES_FOLDER).mkdir()
    for figure in FIGURES:
        (folder / FIGURES_FOLDER / f"{figure.name}.png").write_bytes(figure.png(data))
    return card.facts(data)


def _write_shards(folder: Path, shards: Shards, data: DataFolder, progress: Progress, original_layout: bool) -> None:
    for file in _vocabulary(data):
        _copy(file, folder / file.name)
    digests = {key: digest for keys in shards.values() for key, digest in keys.items()}
    for done, (key, digest) in enumerate(digests.items(), start=1):
        parquet.write_tokens(key, _unchanged(key, digest, data), folder / token_file(key), data)
        if original_layout:
            if not keep_tokens(key, data, load(Resources), to=replace(data, root=folder)):
                for file in (data.tokens_file(key), data.manifest_file(key)):
                    _copy(file, folder / place_in(data.root, file))
            _unchanged(key, digest, replace(data, root=folder))
        progress(done, len(digests))
    if original_layout:
        for rollout_set, keys in shards.items():
            write_csv(keys, replace(data, root=folder).csv_file(rollout_set), data)


def _write_collections(folder: Path, collections: list[Collection], data: DataFolder) -> None:
    """Write the rollouts of each collection with their tokens, and read them back."""
    for collection in collections:
        config = collection_config(collection)
        for name in config.only:
            digests = parquet.write_collection(collection, name, folder / config.files(name), data)
            with _read_back(folder / config.files(name)) as file:
                _require_equal(list(parquet.read_digests(file)), digests)


def _prove(folder: Path, shards: Shards, data: DataFolder) -> None:
    """Read the folder back: the digests of all rollouts, the number of their labels, and the figures.

    Raises ``NcaError`` if anything else is there.
    """
    for rollout_set, keys in shards.items():
        members = {key: read_manifest(key, data).members for key in keys}
        with _read_back(folder / LABELS.files(rollout_set)) as file:
            _require_equal(parquet.count_rows(file), sum(map(len, members.values())))
        for key, of_shard in members.items():
            with _read_back(folder / token_file(key)) as file:
                _require_equal(list(parquet.read_digests(file)), [member.digest for member in of_shard])
    for figure in FIGURES:
        with _read_back(folder / FIGURES_FOLDER / f"{figure.name}.png") as file:
            Image.open(file).verify()


@contextmanager
def _read_back(file: Path) -> Iterator[Path]:
    """Turn whatever a library raises in the block, which reads ``file``, into ``NcaError``."""
    try:
        yield file
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NcaError(f"{file.name} does not read back as it was written ({reason[:200]}): check the disk") from error


def _require_equal(found: object, written: object) -> None:
    if found != written:
        raise ValueError("it holds other rollouts")


def _vocabulary(data: DataFolder) -> tuple[Stored, Stored]:
    return data.centroids_file, data.centroids_file.with_suffix(".json")


def _require_vocabulary(data: DataFolder) -> None:
    for file in _vocabulary(data):
        if not file.exists():
            raise NcaError(f"{file} is missing: materialize the asset 'centroids' again")


def _unchanged(key: ShardKey, digest: str, data: DataFolder) -> Manifest:
    """The manifest of a shard that is to have this digest."""
    manifest = read_manifest(key, data)
    if manifest.digest != digest:
        raise TransientError(f"shard {key} was remade during publishing: publish again")
    return manifest


def _write_documents(
    folder: Path, shards: Shards, about: card.Facts, configs: tuple[Config, ...], original_layout: bool
) -> Sums:
    """Write the card and the metadata; returns the checksums of all files."""
    sums = sums_of(folder)
    version = f"{RECIPE_VERSION}.{LABEL_VERSION}.0"
    for name, text in (
        (CROISSANT, croissant(sums, configs, shards, version, about.summary, card.CITATION)),
        (README, card.render(about, configs, original_layout)),
    ):
        (folder / name).write_text(text, encoding="utf-8")
        sums[name] = hashlib.sha256(text.encode()).hexdigest()
    return sums


def _copy(file: Stored, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(local_copy(file), to)


def _require_free(to: Path) -> None:
    if to.exists() and not to.is_dir():
        raise NcaError(f"{to} is a file: give another folder to publish to")
    published = (to / CHECKSUMS).exists() and (to / CROISSANT).exists()
    if to.exists() and any(to.iterdir()) and not published:
        raise NcaError(f"{to} holds other files: give a new folder, or one previously published to")


def _share(collections: list[Collection], data: DataFolder) -> float:
    """The rollouts of ``collections`` over those of the dataset."""
    return sum(len(each.rollouts) for each in collections) / whole_table("SELECT count(*) FROM labels", data).item()


def _require_space(to: Path, shards: Shards, data: DataFolder, times_the_shards: float) -> None:
    there = {name: sizes(data / data.sets[name].folder) for name in shards}
    typical = bytes_per_shard(data)  # of those whose tokens are not kept
    tokens = sum(there[key.set].get(data.tokens_file(key).name, typical) for keys in shards.values() for key in keys)
    needed, free = times_the_shards * tokens, free_bytes(to)
    if free is not None and needed > free:
        raise DiskFullError(
            f"publishing needs about {needed / 1e6:,.1f} MB, but the disk of {to} has {free / 1e6:,.1f} MB left: "
            "free space, or publish to another disk"
        )
