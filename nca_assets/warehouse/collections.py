"""Collections: query results frozen as named, versioned sets of rollouts, with their provenance.

``data/collections/NAME/v0001.parquet`` holds the rollouts and their digests; its metadata holds the query, the
sampling, the date and the warehouse's version. Versions are immutable; identical content creates no new one.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from nca_assets.data_folder import DataFolder, named
from nca_assets.errors import DamageError, NcaError, OvertakenError
from nca_assets.labels.table import create_table, read_table
from nca_assets.store.location import Stored
from nca_assets.store.store import names_below
from nca_assets.warehouse.answer import ask, querying
from nca_assets.warehouse.illumination import Illumination
from nca_assets.warehouse.sql_text import Sampling

COLLECTION_SCHEMA = {"name": pl.String, "version": pl.Int32, "rollout_id": pl.String, "digest": pl.String}

MAX_ATTEMPTS = 20
"""Times that other processes may be first to write the next version."""

Choice = Sampling | Illumination
"""What a collection takes from its query's rollouts."""

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"


@dataclass(frozen=True)
class Collection:
    """One version of a collection; ``rollouts`` maps ids to digests."""

    name: str
    version: int
    query: str
    sampling: Choice
    rollouts: dict[str, str]
    file: Stored

    @property
    def digest(self) -> str:
        """SHA-256 of the rollouts' ids and digests, in order of id."""
        lines = (f"{rollout} {digest}\n" for rollout, digest in sorted(self.rollouts.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def collection_files(data: DataFolder) -> list[Stored]:
    """Every version of every collection, by name and oldest first."""
    folder = data / "collections"
    found = named(rf"({NAME})/v(\d{{4,}})\.parquet", names_below(folder), folder)
    versions = sorted((match[1], int(match[2])) for match in found)
    return [_file(name, version, data) for name, version in versions]


def _file(name: str, version: int, data: DataFolder) -> Stored:
    return data / "collections" / name / f"v{version:04d}.parquet"


def versions_of(name: str, data: DataFolder) -> list[Stored]:
    """The versions of collection ``name``, oldest first."""
    return [file for file in collection_files(data) if file.parent.name == name]


def recollect(file: Stored) -> str:
    """The remedy for a damaged version of a collection."""
    return f"restore it, or remove it and collect {file.parent.name} again with 'nca collect'"


def freeze(name: str, query: str, data: DataFolder, sampling: Choice | None = None) -> Collection:
    """Run ``query`` on the warehouse and keep its rollouts as the next version of collection ``name``.

    If nothing differs from the latest version, that one is returned. Of several processes that freeze it at once, on
    any machines, each writes a version of its own. Raises ``NcaError`` if the name or the query is invalid, or no
    rollout is left.
    """
    if not re.fullmatch(NAME, name):
        raise NcaError(f"invalid collection name {name!r}: use letters, digits, '-' and '_', at most 64")
    sampling = sampling or Sampling()
    rollouts, snapshot = _ask(query, data, sampling)
    for _ in range(MAX_ATTEMPTS):
        if kept := _keep(name, query, sampling, rollouts, snapshot, data):
            return kept
    raise OvertakenError(f"other processes keep writing versions of {data / 'collections' / name}: run it again")


def _keep(
    name: str, query: str, sampling: Choice, rollouts: dict[str, str], snapshot: str, data: DataFolder
) -> Collection | None:
    """The latest version if nothing differs from it, else the next one; None if another process wrote that first."""
    earlier = versions_of(name, data)
    if earlier:
        with suppress(DamageError):
            latest = read_version(earlier[-1], data)
            if (latest.query, latest.sampling, latest.rollouts) == (query, sampling, rollouts):
                return latest
    version = int(earlier[-1].stem[1:]) + 1 if earlier else 1
    file = _file(name, version, data)
    collection = Collection(name, version, query, sampling, rollouts, file)
    rows = [(name, version, rollout, digest) for rollout, digest in sorted(rollouts.items())]
    metadata = {
        "query": query,
        "sampling": str(sampling),
        "created": datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds"),
        "snapshot": snapshot,
        "rollouts": str(len(rows)),
        "digest": collection.digest,
    }
    table = pl.DataFrame(rows, schema=COLLECTION_SCHEMA, orient="row")
    return collection if create_table(table, file, data, metadata) else None


def read_collection(name: str, data: DataFolder, version: int | None = None) -> Collection:
    """A version of collection ``name``, by default the latest.

    Raises ``NcaError`` if it does not exist, and ``DamageError`` if it is damaged.
    """
    files = {int(file.stem[1:]): file for file in versions_of(name, data)}
    if not files or (version or max(files)) not in files:
        known = ", ".join(sorted({file.parent.name for file in collection_files(data)})) or "none yet"
        wanted = f"version {version} of collection" if version else "collection"
        raise NcaError(f"there is no {wanted} {name!r} in {data / 'collections'} (collections: {known})")
    return read_version(files[version or max(files)], data)


def read_version(file: Stored, data: DataFolder) -> Collection:
    """The version of a collection in ``file``. Raises ``DamageError`` if it does not match its seal and digest."""
    name, number = file.parent.name, int(file.stem[1:])
    rows, metadata = read_table(file, data, recollect(file))
    rollouts = dict(zip(rows["rollout_id"], rows["digest"], strict=True))
    found = Collection(name, number, metadata["query"], _choice(metadata["sampling"], file), rollouts, file)
    if found.digest != metadata["digest"]:
        raise DamageError(f"{file} is damaged (its digest does not match its rollouts): {recollect(file)}")
    return found


def _choice(text: str, file: Stored) -> Choice:
    try:
        return Illumination.parse(text) or Sampling.parse(text)
    except NcaError as error:  # an axis of another release
        raise DamageError(f"{file} can't be read ({error}): {recollect(file)}") from None


def _ask(query: str, data: DataFolder, sampling: Choice) -> tuple[dict[str, str], str]:
    with querying(data) as connection:
        answer = ask(connection, query)
        if "rollout_id" not in answer.columns:
            raise NcaError('a collection\'s query must have a column rollout_id, like "SELECT rollout_id FROM labels"')
        chosen = answer.query("answer", sampling.query()).fetchall()
        [(snapshot,)] = connection.execute('SELECT version FROM "snapshot"').fetchall()
    if not chosen:
        raise NcaError("the query selects no labeled rollout, so there is nothing to collect")
    return dict(chosen), snapshot
