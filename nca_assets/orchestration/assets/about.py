"""Metadata common to all assets: their owners, and links to the documentation."""

import warnings
from pathlib import Path
from typing import Any

import dagster as dg

# Links to files are in beta; nothing else shows a reader where the documents and the code are.
warnings.filterwarnings("ignore", ".*(LocalFileCodeRef|CodeReferencesMetadata|with_source_code_ref)", dg.BetaWarning)

OWNERS = ["team:nca-assets"]

COSTLY = {"cost": "high"}
"""The tag of assets that take hours for millions of rollouts; ``tag:cost=high`` selects them in the UI."""

DOCS = Path(__file__).parents[3] / "docs"


def documents(*names: str) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Links to files in ``docs/``, as metadata for the UI; empty if the package is installed without them."""
    if not DOCS.is_dir():
        return {}
    references: list[Any] = [
        dg.LocalFileCodeReference(file_path=str(DOCS / name), label=f"docs/{name}") for name in names
    ]
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=references)}
