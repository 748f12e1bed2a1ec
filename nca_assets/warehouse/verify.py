"""Verification of files that belong to no shard (collections, history, scores) against their seals and digests."""

from __future__ import annotations

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.store.seal import read_sealed
from nca_assets.warehouse.collections import read_version
from nca_assets.warehouse.sources import find_sources, require_sources


def verify_other_files(data: DataFolder) -> tuple[int, list[str]]:
    """The number of such files under ``data``, and one line per damaged file."""
    sources = find_sources(data)
    require_sources(sources, data)
    findings: list[str] = []
    others = [source for name in ("collection_files", "history_files", "score_files") for source in sources[name]]
    for source in others:
        try:
            if source.asset == "collections":
                read_version(source.file, data)
            else:
                read_sealed(source.file, data.root, source.remedy)
        except DamageError as error:
            findings.append(str(error))
    return len(others), findings
