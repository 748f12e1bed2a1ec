"""The small file beside ``centroids.pt`` with the vocabulary's source and digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError
from nca_assets.store.location import Stored
from nca_assets.store.seal import BLANK, read_sealed, write_sealed


@dataclass(frozen=True)
class Origin:
    """The source of a vocabulary (``learned``, or the name of an imported file), its digest, and its file's."""

    source: str
    digest: str
    file: str


def read_origin(data: DataFolder) -> Origin | None:
    """The recorded origin of the current vocabulary, or None if there is none or its file is damaged.

    If the process died while replacing a vocabulary, the origin of the one on disk.
    """
    try:
        noted = json.loads(read_sealed(_origin_file(data), data.root, "import the vocabulary again"))
        if "before" in noted and noted["before"]["file"] == file_digest(data.centroids_file.read_bytes()):
            noted = noted["before"]
        return Origin(noted["source"], noted["digest"], noted["file"])
    except (DamageError, FileNotFoundError):
        return None


def require_origin(data: DataFolder) -> None:
    """Raise ``DamageError`` if the file with the origin of the current vocabulary is missing or damaged."""
    read_sealed(_origin_file(data), data.root, f"run 'nca import centroids {data.centroids_file}'")


def write_origin(origin: Origin, data: DataFolder, before: Origin | None = None) -> None:
    """Write ``origin`` beside the vocabulary, along with the old origin ``before`` during a replacement.

    Raises ``NcaError`` if the disk refuses.
    """
    noted = asdict(origin) | ({"before": asdict(before)} if before else {}) | {"seal": BLANK}
    write_sealed(json.dumps(noted, indent=1).encode(), _origin_file(data), data.root)


def file_digest(content: bytes) -> str:
    """SHA-256, in hex, of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def _origin_file(data: DataFolder) -> Stored:
    return data.centroids_file.with_suffix(".json")
