"""The dataset's metadata in the Croissant format (MLCommons, version 1.1), as JSON-LD."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from nca_assets.labels.schema import Column
from nca_assets.publishing.checksums import Sums
from nca_assets.publishing.layout import BYTES, IMAGE, TOKEN_FILES, Config
from nca_assets.versions import VERSIONS_DATE

PARQUET = "application/x-parquet"

CONTEXT = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
} | {
    name: f"cr:{name}"
    for name in (
        "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract",
        "field", "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath",
        "key", "md5", "parentField", "readLines", "recordSet", "references", "regex", "sdVersion", "separator",
        "source", "subField", "transform", "unArchive", "value",
    )
}  # fmt: skip
"""As in the specification's first appendix, with the https that schema.org and readers use."""

CREATOR = "The nca-assets maintainers"

KEYWORDS = ["cellular automata", "neural cellular automata", "artificial life", "synthetic data", "sequence modeling"]

_TYPES = {
    "VARCHAR": "sc:Text", "BIGINT": "sc:Integer", "INTEGER": "sc:Integer", "SMALLINT": "sc:Integer",
    "DOUBLE": "sc:Float", IMAGE: "sc:ImageObject", BYTES: "sc:Text",
}  # fmt: skip


def croissant(
    sums: Sums, configs: Iterable[Config], sets: Iterable[str], version: str, description: str, citation: str
) -> str:
    """The metadata of a folder with ``configs``, whose files have the checksums ``sums``.

    Each file is listed with its checksum, except token files: there are many, so they form a file set, and their
    checksums are in ``SHA256SUMS``.
    """
    sets = list(sets)
    distribution: list[dict[str, Any]] = []
    records = []
    for config in configs:
        for split in config.splits(sets):
            name = config.files(split)
            if config == TOKEN_FILES:
                files = {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": PARQUET, "includes": name}
                distribution.append(files)
            else:
                distribution.append(_file(name, name, PARQUET, sums[name]))
            records.append(_records(config, split, "fileSet" if config == TOKEN_FILES else "fileObject"))
    about = {
        "@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": "nca-rollouts", "description": description, "license": "https://spdx.org/licenses/MIT",
        "url": "https://huggingface.co/datasets", "version": version, "citeAs": citation,
        "datePublished": VERSIONS_DATE, "creator": {"@type": "sc:Organization", "name": CREATOR},
        "keywords": KEYWORDS, "isLiveDataset": False,
    }  # fmt: skip
    return json.dumps(about | {"distribution": distribution, "recordSet": records}, indent=1, ensure_ascii=False)


def _file(identity: str, url: str, form: str, digest: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject", "@id": identity, "name": identity, "contentUrl": url, "encodingFormat": form,
        "sha256": digest,
    }  # fmt: skip


def _records(config: Config, split: str, kind: str) -> dict[str, Any]:
    name = f"{config.name}/{split}"
    return {
        "@type": "cr:RecordSet", "@id": name, "name": name, "description": f"{config.description}; {split}",
        "key": {"@id": f"{name}/rollout_id"},
        "field": [_field(name, column, {kind: {"@id": config.files(split)}}) for column in config.columns],
    }  # fmt: skip


def _field(records: str, column: Column, source: dict[str, Any]) -> dict[str, Any]:
    extract: dict[str, Any] = {"extract": {"column": column.name}}
    if column.type == IMAGE:
        extract["transform"] = {"jsonPath": "bytes"}
    return {
        "@type": "cr:Field", "@id": f"{records}/{column.name}", "name": column.name,
        "description": column.description, "dataType": _TYPES[column.type], "source": source | extract,
    }  # fmt: skip
