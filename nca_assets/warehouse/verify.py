"""Verification of files that belong to no shard: collections, history, scores, the vocabulary and the warehouse."""

from __future__ import annotations

import duckdb

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError, TransientError
from nca_assets.store.seal import read_sealed
from nca_assets.vocabulary.centroids import load_centroids
from nca_assets.vocabulary.origin import require_origin
from nca_assets.warehouse.catalog import TABLES
from nca_assets.warehouse.collections import read_version
from nca_assets.warehouse.read import connect
from nca_assets.warehouse.sources import find_sources, require_sources


def verify_other_files(data: DataFolder) -> tuple[int, list[str]]:
    """The number of such files under ``data``, and one line per damaged file."""
    sources = find_sources(data)
    require_sources(sources, data)
    findings = [*_of_vocabulary(data), *_of_warehouse(data)]
    kinds = ("collection_files", "history_files", "score_files", "board_files")
    others = [source for name in kinds for source in sources[name]]
    for source in others:
        try:
            if source.asset == "collections":
                read_version(source.file, data)
            else:
                read_sealed(source.file, data.root, source.remedy)
        except DamageError as error:
            findings.append(str(error))
    there = [data.centroids_file, data.warehouse_file()]
    return len(others) + sum(file.exists() for file in there), findings


def _of_vocabulary(data: DataFolder) -> list[str]:
    """The damage of the vocabulary and of its origin, if there is one."""
    if not data.centroids_file.exists():
        return []
    try:
        load_centroids(data)
        require_origin(data)
    except TransientError:
        raise
    except NcaError as error:
        return [str(error)]
    return []


def _of_warehouse(data: DataFolder) -> list[str]:
    """The damage of the warehouse, if there is one: DuckDB checks the sums of its blocks when it reads them."""
    file = data.warehouse_file()
    if not file.exists():
        return []
    try:
        with connect(data) as connection:
            for table in TABLES:
                connection.execute(f'SELECT sum(hash(row)) FROM "{table.name}" AS row').fetchall()  # noqa: S608
    except TransientError:
        raise
    except (duckdb.Error, NcaError) as error:
        return [f"{file} is damaged ({str(error).splitlines()[0]}): materialize the 'analytics' assets again"]
    return []
