"""What earlier inventories read from the objects of a bucket, so that a tick reads only new ones.

An object that changes gets another version, and is read again. Files of a local folder are read every time, and so is
every input of a build.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.store.location import Stored
from nca_assets.store.seal import BLANK, read_sealed, write_sealed
from nca_assets.store.store import cache_of, versions
from nca_assets.warehouse.catalog import BY_NAME
from nca_assets.warehouse.sources import NEEDED, Source, set_variable
from nca_assets.warehouse.sql_text import literal

ROWS = {"label_parts": "label_files", "shards": "manifests"}
"""The variable with the files of each table of the inventory."""

OF_PARTITIONS = (*ROWS.values(), "curve_sum_files")
"""The variables with a file for each partition; those of the others are few."""


class Seen(NamedTuple):
    """A sound object: the variable that lists it, its partition, and its version."""

    variable: str
    partition_key: str
    version: str


SEEN = "STRUCT(variable VARCHAR, partition_key VARCHAR, version VARCHAR)[]"


class Memory:
    """The objects among ``sources`` that an earlier inventory of ``data`` found sound, and its rows of them."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, data: DataFolder, sources: Mapping[str, list[Source]]
    ) -> None:
        self._connection, self._data = connection, data
        self._folder = cache_of(data.root) / "seen"
        self._present = {
            source.file: Seen(name, str(source.partition_key), version)
            for name, files in sources.items()
            if name in OF_PARTITIONS
            for source, version in _with_versions(files)
        }
        known = self._recall() if self._present else set()
        self._known = {seen for seen in self._present.values() if seen in known}
        self.new = {
            name: [source for source in files if self._present.get(source.file) not in self._known]
            for name, files in sources.items()
        }

    def complete(self, damaged: Collection[Stored]) -> None:
        """Add the known rows to the tables, which have those of the ``new`` sources, and remember the sound ones."""
        if self._known:
            set_variable(self._connection, "known", SEEN, [seen._asdict() for seen in self._known])
            for table in ROWS:
                rows = f"SELECT unnest({table}) FROM read_parquet({literal(str(self._file))})"  # noqa: S608
                known = f"SEMI JOIN {_unnested('known')} USING (variable, partition_key, version)"
                there = f"{table}['partition_key'] IS NOT NULL"
                self._connection.execute(f"INSERT INTO {table} {rows} {known} WHERE {there}")
        sound = [seen for file, seen in self._present.items() if file not in damaged]
        if len(sound) > len(self._known):
            self._remember(sound)

    @property
    def _file(self) -> Path:
        """Of these definitions of the tables: other releases may take other things from a file."""
        definitions = repr([*(BY_NAME[table].sql for table in ROWS), *map(sorted, NEEDED.values())])
        return self._folder / f"{hashlib.sha256(definitions.encode()).hexdigest()[:16]}.parquet"

    def _recall(self) -> set[Seen]:
        try:
            read_sealed(self._file, self._folder, "")
        except DamageError:  # missing, or not to be trusted
            return set()
        found = self._connection.execute(
            f"SELECT variable, partition_key, version FROM read_parquet({literal(str(self._file))})"  # noqa: S608
        )
        return {Seen(*row) for row in found.fetchall()}

    def _remember(self, sound: Collection[Seen]) -> None:
        set_variable(self._connection, "sound", SEEN, [seen._asdict() for seen in sound])
        joins = " ".join(
            f"LEFT JOIN {table} ON seen.variable = '{variable}' AND {table}.partition_key = seen.partition_key"
            for table, variable in ROWS.items()
        )
        with tempfile.TemporaryDirectory() as scratch:
            content = Path(scratch) / "seen.parquet"
            rows = f"SELECT seen.*, {', '.join(ROWS)} FROM {_unnested('sound')} AS seen {joins}"  # noqa: S608
            options = f"FORMAT parquet, KV_METADATA {{seal: {literal(BLANK)}}}"
            self._connection.execute(f"COPY ({rows}) TO {literal(str(content))} ({options})")
            write_sealed(content.read_bytes(), self._file, self._folder)


def _with_versions(sources: list[Source]) -> list[tuple[Source, str]]:
    """Those in a bucket. Imported manifests are left out, since their sources are looked for every time."""
    own = [source for source in sources if source.asset != "imported_shards"]
    found = versions(source.file for source in own)
    return [(source, found[source.file]) for source in own if source.file in found]


def _unnested(variable: str) -> str:
    return f"(SELECT unnest(getvariable('{variable}'), recursive := true))"
