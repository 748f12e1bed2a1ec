"""What each kind of file is read for, in this process: the answer of every reader, as text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.labels.table import read_table
from nca_assets.labels.verify import verify_labels
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.unpacked import _map, verify_unpacked
from nca_assets.project import Project
from nca_assets.publishing.checksums import check_published
from nca_assets.shards.findings import recorded_findings
from nca_assets.shards.manifest import read_manifest, rollout_digest
from nca_assets.shards.read import read_rollout, read_rollouts
from nca_assets.tasks.leaderboard import read_boards, read_scores
from nca_assets.vocabulary.centroids import digest, load_centroids
from nca_assets.vocabulary.current import current_digest
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.collections import collection_files, read_version
from nca_assets.warehouse.history import append_history, history_files, last_events
from nca_assets.warehouse.stale import assess
from nca_assets.warehouse.verify import verify_other_files
from nca_assets_tests.faults.world import SHARDS

KEYS = [ShardKey.parse(name) for name in (*SHARDS, "life-00000", "life-00001")]

Reader = Callable[[DataFolder, ShardKey], object]
"""Reads all that there is, or what is of the shard."""


def stored(data: DataFolder, key: ShardKey) -> object:
    return [rollout_digest(tokens) for _, tokens in read_rollouts(key, data, read_manifest(key, data))]


def single(data: DataFolder, key: ShardKey) -> object:
    return rollout_digest(read_rollout(key, data, read_manifest(key, data).members[-1].index))


def streamed(data: DataFolder, key: ShardKey, unpacked: bool = False) -> object:
    source = RolloutSource.query(f"SELECT rollout_id FROM labels WHERE set_name = '{key.set}'", data)
    return [_of(read) for read in (source.unpacked() if unpacked else source).read(range(len(source)), threads=1)]


def mapped(data: DataFolder, key: ShardKey) -> object:
    _map.cache_clear()
    return streamed(data, key, unpacked=True)


def _of(read: object) -> object:
    if isinstance(read, NcaError):
        raise read
    return rollout_digest(read)  # pyright: ignore[reportArgumentType]


def labelled(data: DataFolder, key: ShardKey) -> object:
    verify_labels(key, data)
    return read_table(data.labels_file(key), data, "make it again")[0].rows()


def sums(data: DataFolder, key: ShardKey) -> object:
    return read_table(data.curve_sums_file(key), data, "make it again")[0].rows()


def collected(data: DataFolder, _: ShardKey) -> object:
    return [read_version(file, data) for file in collection_files(data)]


def told(data: DataFolder, _: ShardKey) -> object:
    """What status tells: the stale partitions, whatever the fault."""
    assess(data, {})
    return None


def verified(data: DataFolder, _: ShardKey) -> object:
    if damaged := verify_other_files(data)[1] + verify_unpacked(data)[1]:
        raise NcaError(damaged[0])
    return None


def asked(data: DataFolder, _: ShardKey) -> object:
    return whole_table("FROM labels ORDER BY ALL", data).rows(), whole_table("FROM shards ORDER BY ALL", data).rows()


def simulated(data: DataFolder, _: ShardKey) -> object:
    return digest(load_centroids(data)), current_digest(data)


def scored(data: DataFolder, _: ShardKey) -> object:
    return read_scores(data).rows(), read_boards(data).rows()


def happened(data: DataFolder, _: ShardKey) -> object:
    """Damaged files are left out and copied again, so nothing but errors is of interest."""
    last_events(data)
    append_history([], data)
    return sorted(map(str, history_files(data))) and None


def opened(data: DataFolder, _: ShardKey) -> object:
    return DataFolder.open(data.root).sets


def configured(_: DataFolder, __: ShardKey) -> object:
    """A person's own text has no seal: another one may say something else, but raises no foreign error."""
    Project.load().writable_data()
    return None


def published(data: DataFolder, _: ShardKey) -> object:
    if findings := check_published(data.published_folder):
        raise NcaError(findings[0])
    return None


READERS: Mapping[str, tuple[Reader, ...]] = {
    "tokens": (stored, single, streamed),
    "manifest": (stored, single, told),
    "labels": (labelled, told),
    "curves": (labelled,),
    "sums": (labelled, sums, told),
    "imported": (stored, single, streamed),
    "collection": (collected, verified),
    "history": (happened, verified),
    "tasks": (scored, verified),
    "vocabulary": (simulated, verified),
    "description": (opened,),
    "warehouse": (asked, verified),
    "unpacked": (mapped, verified),
    "finding": (lambda data, _: recorded_findings(data) and None,),
    "settings": (configured,),
    "published": (published,),
}


def answer(reader: Reader, data: DataFolder, key: ShardKey) -> str:
    """The digest of what ``reader`` answers."""
    return hashlib.sha256(repr(reader(data, key)).encode()).hexdigest()
