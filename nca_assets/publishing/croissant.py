"""The dataset's metadata in the Croissant format (MLCommons, version 1.0), as JSON-LD."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from nca_assets.labels.schema import Column
from nca_assets.publishing.checksums import Sums
from nca_assets.publishing.layout import BYTES, CONFIGS, IMAGE, TOKEN_FILES, Config

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
        "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
        "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references",
        "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
    )
}  # fmt: skip
"""As given in the specification."""

_TYPES = {
    "VARCHAR": "sc:Text", "BIGINT": "sc:Integer", "INTEGER": "sc:Integer", "SMALLINT": "sc:Integer",
    "DOUBLE": "sc:Float", IMAGE: "sc:ImageObject", BYTES: "sc:Text",
}  # fmt: skip


def croissant(sums: Sums, splits: Iterable[str], version: str, description: str, citation: str) -> str:
    """The metadata of a folder whose files have the checksums ``sums``.

    Previews and labels are listed as single files with checksums; the many token files form a file set, with their
    checksums in ``SHA256SUMS``.
    """
    splits = list(splits)
    distribution: list[dict[str, Any]] = []
    records = []
    for config in CONFIGS:
        for split in splits:
            name = config.files(split)
            if config == TOKEN_FILES:
                files = {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": PARQUET, "includes": name}
                distribution.append(files)
            else:
                distribution.append(_file(name, name, PARQUET, sums[name]))
            records.append(_records(config, split, "fileSet" if config == TOKEN_FILES else "fileObject"))
    about = {
        "@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "nca-rollouts", "description": description, "license": "https://opensource.org/license/mit",
        "url": "https://huggingface.co/datasets", "version": version, "citeAs": citation,
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
