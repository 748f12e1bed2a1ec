"""The digest and origin of a data folder's current vocabulary."""

from __future__ import annotations

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.vocabulary.origin import file_digest, read_origin


def current_digest(data: DataFolder) -> str | None:
    """The digest of the current vocabulary, or None if there is none.

    Raises ``NcaError`` if its file is invalid, or not the one whose origin is beside it.
    """
    try:
        content = data.centroids_file.read_bytes()
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        content = b""
    origin = read_origin(data)
    if origin and origin.file == file_digest(content):
        return origin.digest  # without torch, which is slow to import
    from nca_assets.vocabulary.centroids import digest, load_centroids

    return digest(load_centroids(data))


def current_source(data: DataFolder) -> str | None:
    """The source of the current vocabulary (``learned``, or an imported file), or None if there is none.

    Raises ``NcaError`` if the file is invalid, or was put there by hand and would be lost by learning again.
    """
    current = current_digest(data)
    if current is None:
        return None
    origin = read_origin(data)
    if origin is None or origin.digest != current:
        file = data.centroids_file
        raise NcaError(f"{file} was put there by hand: keep it with 'nca import centroids {file}', or delete it")
    return origin.source
